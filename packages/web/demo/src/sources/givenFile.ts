/** What a file is to this page. */
export type GivenKind = "photograph" | "weights";

const WEIGHTS = /\.(safetensors|onnx)$/i;

/** @throws Error saying what was expected, for a file that is neither. */
export function kindOf({ name, type }: File): GivenKind {
  if (WEIGHTS.test(name)) return "weights";
  if (type.startsWith("image/")) return "photograph";
  const expected = "expected a picture, or weights (.safetensors of pspnet, .onnx)";
  throw new Error(`${name}: ${expected}, found ${type || "a file of no known type"}`);
}

/** Calls `take` with the file that is dropped anywhere, or pasted. While one is dragged, `body` has the class `dragging`. */
export function takeDropsAndPastes(take: (file: File) => void): void {
  const { classList } = document.body;
  const holdsFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    classList.add("dragging");
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) classList.remove("dragging");
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    classList.remove("dragging");
    first(event.dataTransfer!.files, take);
  });
  addEventListener("paste", ({ clipboardData }) => first(clipboardData?.files, take));
}

function first(files: FileList | undefined, take: (file: File) => void): void {
  if (files && files.length > 0) take(files[0]);
}
