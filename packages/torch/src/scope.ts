import { AsyncLocalStorage } from "node:async_hooks";

/** What a scope frees. */
interface Owned {
  dispose(): void;
  /** Called when no scope frees it any more: the garbage collector must know of it. */
  escape(): void;
}

interface Scope {
  readonly owned: Set<Owned>;
  readonly parent: Scope | undefined;
}

const scopes = new AsyncLocalStorage<Scope | undefined>();
// Asking the storage costs as much as a small operation, so programs without scopes do not.
let used = false;

/** Puts a new tensor into the scope that is open here; without one it is left to the garbage collector. */
export function own(tensor: Owned): void {
  const scope = used ? scopes.getStore() : undefined;
  if (scope === undefined) tensor.escape();
  else scope.owned.add(tensor);
}

/** Takes a tensor out of its scope: it then lives until it is disposed of or collected. Returns it. */
export function keep<T extends Owned>(tensor: T): T {
  let scope = used ? scopes.getStore() : undefined;
  while (scope !== undefined && !scope.owned.delete(tensor)) scope = scope.parent;
  tensor.escape();
  return tensor;
}

/**
 * Runs `work` and frees every tensor made in it, except those that it returns (alone, in an array or in an object)
 * and those given to {@link keep}. Scopes nest: what an inner one returns belongs to the outer one. `work` may be async;
 * tensors made after an await in it are freed too. When it throws, everything is freed.
 *
 * @example const loss = scope(() => model.forward(images).out.crossEntropy(labels).item());
 */
export function scope<R>(work: () => R): R {
  used = true;
  const parent = scopes.getStore();
  const inner: Scope = { owned: new Set(), parent };
  const finish = <V>(result: V): V => {
    moveOut(result, inner);
    free(inner);
    return result;
  };
  const fail = (error: unknown): never => {
    free(inner);
    throw error;
  };
  let result: R;
  try {
    result = scopes.run(inner, work);
  } catch (error) {
    return fail(error);
  }
  if (result instanceof Promise) return result.then(finish, fail) as R;
  return finish(result);
}

function free(scope: Scope): void {
  for (const tensor of scope.owned) tensor.dispose();
  scope.owned.clear();
}

/** Hands the tensors in `value` over to the scope around. */
function moveOut(value: unknown, scope: Scope): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (scope.owned.delete(value as Owned)) {
    if (scope.parent === undefined) (value as Owned).escape();
    else scope.parent.owned.add(value as Owned);
  } else if (value instanceof Map) {
    for (const element of value.values()) moveOut(element, scope);
  } else if (Array.isArray(value)) {
    for (const element of value) moveOut(element, scope);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const element of Object.values(value)) moveOut(element, scope);
  }
}
