// The study's server, as the judge's page asks it.

const PATIENCE = 20_000;

/** The server answered, and it was no. */
export class Refused extends Error {
  constructor(status, sentence, seconds) {
    super(sentence);
    this.status = status;
    this.seconds = seconds;
  }
}

/** Nobody answered. */
export class Silent extends Error {}

export async function asked(path, { method = "GET", token = null, body = null, raw = false } = {}) {
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
    throw new Refused(response.status, await sentence(response), seconds(response));
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Silent("No answer from the study's server.");
  } finally {
    clearTimeout(timer);
  }
}

async function sentence(response) {
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return error;
  } catch {
    // No sentence in it.
  }
  return `The server answered with ${response.status}.`;
}

function seconds(response) {
  const told = Number(response.headers.get("Retry-After"));
  return Number.isFinite(told) && told > 0 ? Math.min(told, 120) : null;
}

/** Whether to ask again helps. */
export function passing(error) {
  return error instanceof Silent || error.status === 429 || error.status >= 500;
}

/** A judge and what is asked of them: {judge, token, trials, answered}. */
export class Server {
  study() {
    return asked("api/study");
  }

  begin(study) {
    return asked("api/judges", { method: "POST", body: { study, consent: true } });
  }

  async again({ judge, token }) {
    return { judge, token, ...(await asked("api/judges/me", { token })) };
  }

  stimulus(name) {
    return asked(`api/stimuli/${encodeURIComponent(name)}`);
  }

  answer({ token }, { trial, body }) {
    return asked(`api/answers/${encodeURIComponent(trial)}`, { method: "PUT", token, body });
  }

  /** Nothing more: every answer is there already. */
  async end() {
    return null;
  }
}
