import { z } from "zod";
import { ANSWER_KINDS } from "./answerKind.js";
import { IMAGE_TYPES } from "./imageType.js";
import type { ServedModel } from "./networkMessages.js";
import { PROBLEM_TYPE } from "./problem.js";
import { JOB, JOB_QUESTION, MODELS, PROBLEM, SEGMENTATION, URL_QUESTION } from "./schemas.js";

export interface OpenApiOptions {
  readonly models: readonly Pick<ServedModel, "name">[];
  readonly allowUrls: boolean;
  /** Whether requests need the token. */
  readonly token: boolean;
  /** Whether there are jobs. */
  readonly jobs: boolean;
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
    readonly in: "query" | "path";
    readonly required?: true;
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
  404: "nothing of that name",
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

type Paths = OpenApi["paths"];

const named = (name: string) => ({ "application/json": { schema: { $ref: `#/components/schemas/${name}` } } });
const text = (type: string, description: string) => ({ 200: { description, content: { [type]: TEXT } } });
const problems = (...statuses: readonly number[]) =>
  Object.fromEntries(statuses.map((status) => [status, { description: PROBLEMS[status], content: PROBLEM_CONTENT }]));

/** The server as OpenAPI describes it. */
export function openApi(options: OpenApiOptions): OpenApi {
  const { token, jobs } = options;
  return {
    openapi: "3.1.0",
    info: {
      title: "pspnet",
      version: "0.1.0",
      description: "Segments photographs: the class of each pixel, by PSPNet (Zhao et al., CVPR 2017).",
    },
    paths: { ...networkPaths(options), ...(jobs && jobPaths(options)), ...serverPaths(options) },
    components: {
      schemas: {
        Segmentation: z.toJSONSchema(SEGMENTATION),
        Models: z.toJSONSchema(MODELS),
        Problem: z.toJSONSchema(PROBLEM),
        ...(jobs && { Job: z.toJSONSchema(JOB) }),
      },
      ...(token && { securitySchemes: { token: { type: "http", scheme: "bearer" } } }),
    },
  };
}

/** What the token guards, and what it and the rate refuse. */
function guards({ token }: OpenApiOptions) {
  return { guarded: token ? { security: [{ token: [] }] } : {}, refused: [...(token ? [401] : []), 429] };
}

function photograph({ allowUrls }: OpenApiOptions): Operation["requestBody"] {
  return {
    required: true,
    content: {
      ...Object.fromEntries([...IMAGE_TYPES, "application/octet-stream"].map((type) => [type, { schema: FILE }])),
      "multipart/form-data": { schema: FORM },
      ...(allowUrls && { "application/json": { schema: z.toJSONSchema(URL_QUESTION) } }),
    },
  };
}

const ANSWERS: Answered = {
  description: Object.values(ANSWER_KINDS)
    .map(({ type, shows }) => `${type}: ${shows}`)
    .join("; "),
  content: Object.fromEntries(
    Object.entries(ANSWER_KINDS).map(([kind, { type }]) => [
      type,
      { schema: kind === "json" ? { $ref: "#/components/schemas/Segmentation" } : FILE },
    ]),
  ),
};

function networkPaths(options: OpenApiOptions): Paths {
  const { guarded, refused } = guards(options);
  const schema = { type: "string", enum: options.models.map(({ name }) => name) };
  return {
    "/v1/segment": {
      post: {
        summary: "Segment a photograph",
        description: `A file of ${IMAGE_TYPES.map((type) => type.replace("image/", "")).join(", ")}, turned upright as its EXIF says.`,
        ...guarded,
        parameters: [{ name: "model", in: "query", description: "the network; the first unless it is given", schema }],
        requestBody: photograph(options),
        responses: { 200: ANSWERS, ...problems(400, ...refused, 404, 406, 408, 413, 415, 422, 500, 503, 504) },
      },
    },
    "/v1/models": {
      get: {
        summary: "The networks and their classes",
        ...guarded,
        responses: { 200: { description: "the networks", content: named("Models") }, ...problems(...refused) },
      },
    },
  };
}

function jobPaths(options: OpenApiOptions): Paths {
  const { guarded, refused } = guards(options);
  const parameter = (name: string, description: string, type: string) =>
    ({ name, in: "path", required: true, description, schema: { type } }) as const;
  const [id, number] = [
    parameter("id", "the job", "string"),
    parameter("number", "the photograph's, the client's choice", "integer"),
  ];
  const job = (description: string): Answered => ({ description, content: named("Job") });
  return {
    "/v1/jobs": {
      post: {
        summary: "Make a job for many photographs",
        ...guarded,
        requestBody: { required: true, content: { "application/json": { schema: z.toJSONSchema(JOB_QUESTION) } } },
        responses: { 201: job("the job; Location says where it is"), ...problems(400, ...refused, 404, 503) },
      },
    },
    "/v1/jobs/{id}": {
      get: {
        summary: "How far a job is",
        ...guarded,
        parameters: [id],
        responses: { 200: job("the job"), ...problems(...refused, 404, 503) },
      },
      delete: {
        summary: "Forget a job and what it has",
        ...guarded,
        parameters: [id],
        responses: { 204: { description: "it is forgotten" }, ...problems(...refused, 404, 503) },
      },
    },
    "/v1/jobs/{id}/photographs/{number}": {
      put: {
        summary: "Give a job a photograph",
        description: "Given twice it is taken once.",
        ...guarded,
        parameters: [id, number],
        requestBody: photograph(options),
        responses: { 202: { description: "it is kept" }, ...problems(400, ...refused, 404, 408, 413, 415, 422, 503) },
      },
    },
    "/v1/jobs/{id}/results/{number}": {
      get: {
        summary: "What was found in a photograph",
        ...guarded,
        parameters: [id, number],
        responses: { 200: ANSWERS, ...problems(...refused, 404, 422, 503) },
      },
    },
  };
}

function serverPaths(options: OpenApiOptions): Paths {
  const { guarded } = guards(options);
  return {
    "/healthz": { get: { summary: "Whether the server lives", responses: text("text/plain", "it does") } },
    "/readyz": {
      get: {
        summary: "Whether what is asked now is worked on",
        responses: {
          ...text("text/plain", "it is"),
          503: { description: "networks are being started, or the server stops", content: PROBLEM_CONTENT },
        },
      },
    },
    "/metrics": {
      get: {
        summary: "Figures for Prometheus",
        ...guarded,
        responses: { ...text("text/plain", "its text"), ...problems(...(options.token ? [401] : [])) },
      },
    },
    "/openapi.json": { get: { summary: "This description", responses: text("application/json", "OpenAPI 3.1") } },
    "/docs": { get: { summary: "This description to read", responses: text("text/html", "a page") } },
  };
}
