// The JSON interface of the hub (docs/page.md).
const token = document.querySelector("meta[name=csrf-token]").content;

export class Refusal extends Error {
  constructor(sentence, field, fields) {
    super(sentence);
    this.field = field;
    this.fields = fields; // where several are wrong: a sentence by name
  }
}

export async function get(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

export async function post(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refusal("The hub does not answer. Nothing was sent twice; look at the book first.", null);
  }
  const record = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(record.error ?? `The hub answered ${answer.status}.`, record.field, record.fields);
  return record;
}
