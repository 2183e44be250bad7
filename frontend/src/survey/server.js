// Requests to the study's server, and their errors.

const PATIENCE = 20_000;

/** The server answered with an error. */
export class ServerError extends Error {
  constructor(status, sentence, seconds) {
    super(sentence);
    this.status = status;
    this.seconds = seconds;
  }
}

/** The server did not answer. */
export class NoAnswerError extends Error {}

export async function request(path, { method = "GET", token = null, body = null, raw = false } = {}) {
  const headers = {};
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (body !== null) headers["Content-Type"] = "application/json";
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const response = await fetch(path, {
      method, headers, signal: patience.signal, credentials: "omit",
      body: body === null ? undefined : JSON.stringify(body),
    });
    if (response.ok) return raw ? await response.blob() : await response.json();
    throw new ServerError(response.status, await sentence(response), seconds(response));
  } catch (error) {
    if (error instanceof ServerError) throw error;
    throw new NoAnswerError("No answer from the study's server.");
  } finally {
    clearTimeout(timer);
  }
}

async function sentence(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // The body has no sentence.
  }
  return `The server answered with ${response.status}.`;
}

function seconds(response) {
  const wait = Number(response.headers.get("Retry-After"));
  return Number.isFinite(wait) && wait > 0 ? Math.min(wait, 120) : null;
}

/** Whether a retry can help. */
export function isTemporary(error) {
  return error instanceof NoAnswerError || error.status === 429 || error.status >= 500;
}

/** The endpoints for judges; `begin` and `again` give {judge, token, trials, answered}. */
export class Server {
  study() {
    return request("api/study");
  }

  begin(study) {
    return request("api/judges", { method: "POST", body: { study, consent: true } });
  }

  async again({ judge, token }) {
    return { judge, token, ...(await request("api/judges/me", { token })) };
  }

  stimulus(name) {
    return request(`api/stimuli/${encodeURIComponent(name)}`);
  }

  answer({ token }, { trial, body }) {
    return request(`api/answers/${encodeURIComponent(trial)}`, { method: "PUT", token, body });
  }

  /** Nothing to do: the server has every answer. */
  async end() {
    return null;
  }
}
