// What all scenarios need: the client under test, bound to the local Stack and to nothing else.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after } from "node:test";

export const url = process.env.STACK_API_URL;
export const projectId = process.env.STACK_PROJECT_ID;

const seen = { brands: [] };
const strays = [];

// The client asks hosts of its own when something goes wrong; here it reaches the local Stack only.
const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const target = new URL(input instanceof Request ? input.url : input);
  if (target.origin !== url) {
    strays.push(target.href);
    throw new TypeError(`${target.origin} is not the local Stack.`);
  }
  note(new Headers(init?.headers));
  return await send(input, init);
};

function note(headers) {
  for (const name of headers.keys()) {
    const brand = /^x-(stack|hexclave)-/.exec(name)?.[1];
    if (brand && !seen.brands.includes(brand)) seen.brands.push(brand);
  }
}

export const sdk = await import(process.env.STACK_SDK);

// Project and keys come from the environment, as in a real deployment.
const common = { baseUrl: url, tokenStore: "memory", redirectMethod: "none" };

/** A client app, signed out unless it is given tokens. */
export const clientApp = (tokenStore = "memory") =>
  new sdk.StackClientApp({ ...common, tokenStore });

/** A server app: full power over all users. */
export const serverApp = (tokenStore = "memory") =>
  new sdk.StackServerApp({ ...common, tokenStore });

/** An administrator's app: may also define permissions. */
export const adminApp = () => new sdk.StackAdminApp(common);

/** A client app in which a new user has signed up. */
export async function signedUp(email, password = "correct horse battery") {
  const app = clientApp();
  succeeded(await app.signUpWithCredential({ ...withoutPages, email, password }));
  return { app, user: await app.getUser({ or: "throw" }) };
}

/** There are no pages to send anybody to. */
export const withoutPages = { noRedirect: true, noVerificationCallback: true };

/** Tell the other side what happened here. */
export function report(facts) {
  Object.assign(seen, facts);
}

/** The claims of an access token; whether it is genuine, the other side checks. */
export function claimsOf(accessToken) {
  return JSON.parse(Buffer.from(accessToken.split(".")[1], "base64url").toString());
}

export function succeeded(result) {
  assert.equal(result.status, "ok", `failed with ${result.error?.errorCode}`);
}

export function failed(result, code) {
  assert.equal(result.status, "error");
  assert.equal(result.error.errorCode, code);
}

export async function rejects(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.errorCode, code, String(error));
    return true;
  });
}

export const idsOf = (items) => items.map((item) => item.id).sort();

after(() => {
  assert.deepEqual(strays, []);
  writeFileSync(process.env.REPORT, JSON.stringify(seen));
});
