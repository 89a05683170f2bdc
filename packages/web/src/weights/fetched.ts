import { PspnetError } from "@pspnet/core";

/**
 * The good answer to a request.
 *
 * @param what is fetched, for errors.
 * @throws PspnetError "usage" when there is none; the signal's reason.
 */
export async function fetched(address: string | URL, what: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (cause) {
    init.signal?.throwIfAborted();
    const mend = "check the address and the network, and that the other server allows it (CORS) if it is another's";
    throw new PspnetError(
      "usage",
      `${address}: expected ${what}, found no answer (${(cause as Error).message}); ${mend}`,
      {
        cause,
      },
    );
  }
  if (response.ok) return response;
  throw new PspnetError("usage", `${address}: expected ${what}, found status ${response.status}; check the address`);
}
