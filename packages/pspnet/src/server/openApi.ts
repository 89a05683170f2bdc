import { z } from "zod";
import { ANSWER_KINDS } from "./answerKind.js";
import { IMAGE_TYPES } from "./imageType.js";
import type { ServedModel } from "./networkMessages.js";
import { PROBLEM_TYPE } from "./problem.js";
import { MODELS, PROBLEM, SEGMENTATION, URL_QUESTION } from "./schemas.js";

export interface OpenApiOptions {
  readonly models: readonly Pick<ServedModel, "name">[];
  readonly allowUrls: boolean;
  /** Whether requests need the token. */
  readonly token: boolean;
}

interface Content {
  readonly schema: object;
}

/** What may be done with one path by one method. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: "query";
    readonly description: string;
    readonly schema: object;
  }[];
  readonly requestBody?: { readonly required: true; readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, Answered>>;
}

interface Answered {
  readonly description: string;
  readonly content?: Readonly<Record<string, Content>>;
}

export interface OpenApi {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

const FILE = { type: "string", format: "binary" };
const FORM = { type: "object", properties: { image: FILE }, required: ["image"] };

const TEXT = { schema: { type: "string" } };
const PROBLEM_CONTENT = { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } };

const PROBLEMS: Readonly<Record<number, string>> = {
  400: "a body that breaks off or is none of the form",
  401: "no token, or another",
  404: "no such network",
  406: "nothing of what Accept wishes",
  408: "a photograph that comes too slowly",
  413: "too many bytes, pixels, or more than fits into memory",
  415: "no photograph of a type that is decoded, or of another than Content-Type says",
  422: "a photograph that cannot be decoded, or an address that gives none",
  429: "too many requests of one address; Retry-After says when to come again",
  500: "the network ended while it worked on the request",
  503: "too many requests at once, or no turn within the deadline; Retry-After says when to come again",
  504: "the photograph takes longer than the deadline",
};

/** The server as OpenAPI describes it. */
export function openApi({ models, allowUrls, token }: OpenApiOptions): OpenApi {
  const guarded = token ? { security: [{ token: [] }] } : {};
  const problems = (...statuses: number[]) =>
    Object.fromEntries(statuses.map((status) => [status, { description: PROBLEMS[status], content: PROBLEM_CONTENT }]));
  const guards = [...(token ? [401] : []), 429];
  return {
    openapi: "3.1.0",
    info: {
      title: "pspnet",
      version: "0.1.0",
      description: "Segments photographs: the class of each pixel, by PSPNet (Zhao et al., CVPR 2017).",
    },
    paths: {
      "/v1/segment": {
        post: {
          summary: "Segment a photograph",
          description: `A file of ${IMAGE_TYPES.map((type) => type.replace("image/", "")).join(", ")}, turned upright as its EXIF says.`,
          ...guarded,
          parameters: [
            {
              name: "model",
              in: "query",
              description: "the network; the first unless it is given",
              schema: { type: "string", enum: models.map(({ name }) => name) },
            },
          ],
          requestBody: {
            required: true,
            content: {
              ...Object.fromEntries(
                [...IMAGE_TYPES, "application/octet-stream"].map((type) => [type, { schema: FILE }]),
              ),
              "multipart/form-data": { schema: FORM },
              ...(allowUrls && { "application/json": { schema: z.toJSONSchema(URL_QUESTION) } }),
            },
          },
          responses: {
            200: {
              description: Object.values(ANSWER_KINDS)
                .map(({ type, shows }) => `${type}: ${shows}`)
                .join("; "),
              content: Object.fromEntries(
                Object.entries(ANSWER_KINDS).map(([kind, { type }]) => [
                  type,
                  { schema: kind === "json" ? { $ref: "#/components/schemas/Segmentation" } : FILE },
                ]),
              ),
            },
            ...problems(400, ...guards, 404, 406, 408, 413, 415, 422, 500, 503, 504),
          },
        },
      },
      "/v1/models": {
        get: {
          summary: "The networks and their classes",
          ...guarded,
          responses: {
            200: {
              description: "the networks",
              content: { "application/json": { schema: { $ref: "#/components/schemas/Models" } } },
            },
            ...problems(...guards),
          },
        },
      },
      "/healthz": {
        get: {
          summary: "Whether the server lives",
          responses: { 200: { description: "it does", content: { "text/plain": TEXT } } },
        },
      },
      "/readyz": {
        get: {
          summary: "Whether what is asked now is worked on",
          responses: {
            200: { description: "it is", content: { "text/plain": TEXT } },
            503: { description: "networks are being started, or the server stops", content: PROBLEM_CONTENT },
          },
        },
      },
      "/metrics": {
        get: {
          summary: "Figures for Prometheus",
          ...guarded,
          responses: {
            200: { description: "its text", content: { "text/plain": TEXT } },
            ...problems(...(token ? [401] : [])),
          },
        },
      },
      "/openapi.json": {
        get: {
          summary: "This description",
          responses: {
            200: { description: "OpenAPI 3.1", content: { "application/json": { schema: { type: "object" } } } },
          },
        },
      },
      "/docs": {
        get: {
          summary: "This description to read",
          responses: { 200: { description: "a page", content: { "text/html": TEXT } } },
        },
      },
    },
    components: {
      schemas: {
        Segmentation: z.toJSONSchema(SEGMENTATION),
        Models: z.toJSONSchema(MODELS),
        Problem: z.toJSONSchema(PROBLEM),
      },
      ...(token && { securitySchemes: { token: { type: "http", scheme: "bearer" } } }),
    },
  };
}
