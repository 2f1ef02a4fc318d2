// Requests to the service: one way to ask, and one kind of error.

import { change, current } from "./state.js";

const ROOT = new URL(".", document.baseURI).href;

// An answer of the service that is an error; `detail` is its own sentence.
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

// The address of a resource of the service.
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(key, value);
  }
  return url.href;
}

// The address template of tiles: {z}/{x}/{y} stay as they are.
export function tilesAddress(layer, query = {}) {
  const { search } = new URL(address(`tiles/${layer}.json`, query));
  return `${ROOT}tiles/${layer}/{z}/{x}/{y}.mvt${search}`;
}

// Requests under way by their address: modules that need the same at the same time share one answer.
const pending = new Map();

// Options: query, method, body, signal, quiet for a request whose refusal does not mean that the session is over, and of
// a write the version on which it is based, and a key by which the service does it once however often it is sent.
export function ask(path, options = {}) {
  if ((options.method ?? "GET") !== "GET" || options.signal) return send(path, options);
  const key = JSON.stringify([address(path, options.query), options.quiet]);
  if (!pending.has(key)) pending.set(key, send(path, options).finally(() => pending.delete(key)));
  return pending.get(key);
}

async function send(path, { query, method = "GET", body, signal, version, key, quiet = false }) {
  const headers = { Accept: "application/json", "Accept-Language": current().language };
  const csrf = current().session?.csrf_token ?? null;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf !== null) headers["X-CSRF-Token"] = csrf;
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  if (key !== undefined) headers["Idempotency-Key"] = key;
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
    // A proxy's own error page is not JSON, and holds nothing to show.
  }
  if (answer.status === 401 && !quiet) change({ session: null });
  throw new Refusal(answer.status, problem, Number(answer.headers.get("Retry-After")) || null);
}

// All items of a list, followed by its cursor for at most so many pages.
export async function allItems(path, query = {}, most = 10) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < most; page += 1) {
    const answer = await ask(path, { query: { ...query, cursor } });
    items.push(...answer.items);
    cursor = answer.next;
    if (cursor === null) break;
  }
  return items;
}
