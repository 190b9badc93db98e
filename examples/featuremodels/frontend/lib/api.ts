export type FeatureModel = { id: string; name: string; definition: string; created_at: string };

/** `configurations` is a decimal number as text: it can exceed what a JSON number holds. */
export type Result = {
  features: number;
  depth: number;
  constraints: number;
  configurations: string;
  void: boolean;
};

export type Task = { state: string; result: Result | null; error: string | null };

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** FastAPI answers with one text, or with a list of what is wrong with the fields. */
function message(detail: unknown, status: number): string {
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((item) => item.msg.replace("Value error, ", "")).join("; ");
  return `The server answered ${status}`;
}

/** One request to the API; throws ApiError (status 0: no answer at all). */
export async function request<T>(url: string, token: string | null, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (typeof init.body === "string") headers.set("Content-Type", "application/json");
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers });
  } catch {
    throw new ApiError(`No answer from ${new URL(url).host}`, 0);
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(message(body?.detail, response.status), response.status);
  return body as T;
}
