// The interface as the page speaks it: one way to ask, one kind of error, the session's CSRF token.

const ROOT = new URL(".", document.baseURI).href;

let csrf = null;
let whenSignedOut = () => {};

// What the interface answered instead of what was asked for; `detail` is its own sentence.
export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? `HTTP ${status}`);
    this.status = status;
    this.requestId = problem?.request_id ?? null;
    this.retryAfter = retryAfter;
  }
}

// The service could not be reached at all.
export class Unreachable extends Error {}

export function onSignedOut(deed) {
  whenSignedOut = deed;
}

export function keepCsrf(token) {
  csrf = token;
}

// The address of something the service has.
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(key, value);
  }
  return url.href;
}

// The address of tiles with its {z}/{x}/{y} left as they are.
export function tilesAddress(layer, query = {}) {
  const asked = new URL(address(`tiles/${layer}.json`, query)).search;
  return `${ROOT}tiles/${layer}/{z}/{x}/{y}.mvt${asked}`;
}

// What is being asked for, by its address: parts of the page that need the same at the same time share one answer.
const asking = new Map();

export function ask(path, asked = {}) {
  if ((asked.method ?? "GET") !== "GET" || asked.signal) return askAnew(path, asked);
  const key = JSON.stringify([address(path, asked.query), asked.accept, asked.quiet]);
  if (!asking.has(key)) asking.set(key, askAnew(path, asked).finally(() => asking.delete(key)));
  return asking.get(key);
}

async function askAnew(path, { query, method = "GET", body, signal, quiet = false, accept }) {
  const headers = { Accept: accept ?? "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf !== null) headers["X-CSRF-Token"] = csrf;
  let answer;
  try {
    answer = await fetch(address(path, query), {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-cache",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  let problem = null;
  try {
    problem = await answer.json();
  } catch {
    // A proxy's own error page tells nothing to show.
  }
  if (answer.status === 401 && !quiet) whenSignedOut();
  throw new Refusal(answer.status, problem, Number(answer.headers.get("Retry-After")) || null);
}

// Follow a list by its cursor, at most so many pages.
export async function pages(path, query, most = 10, signal = undefined) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < most; page += 1) {
    const answer = await ask(path, { query: { ...query, cursor }, signal });
    items.push(...answer.items);
    cursor = answer.next;
    if (cursor === null) break;
  }
  return items;
}
