// Tokens: how they are refreshed, and how they travel to a server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { claimsOf, clientApp, report, serverApp, signedUp } from "./local_stack.mjs";

const { user } = await signedUp("grace@example.com");
const tokens = await user.getAuthJson();

test("a refresh token is worth an access token", async () => {
  const app = clientApp({ accessToken: null, refreshToken: tokens.refreshToken });
  const same = await app.getUser({ or: "throw" });
  assert.equal(same.id, user.id);
  const fresh = claimsOf(await same.getAccessToken());
  const old = claimsOf(tokens.accessToken);
  assert.equal(fresh.sub, old.sub);
  assert.equal(fresh.refresh_token_id, old.refresh_token_id);
  report({ userId: user.id, sessionId: old.refresh_token_id });
});

test("a fresh token knows what was changed", async () => {
  await user.update({ displayName: "Grace" });
  const app = clientApp({ accessToken: null, refreshToken: tokens.refreshToken });
  const same = await app.getUser({ or: "throw" });
  assert.equal(claimsOf(await same.getAccessToken()).name, "Grace");
});

test("an access token alone is enough for a while", async () => {
  const app = clientApp({ accessToken: tokens.accessToken, refreshToken: null });
  assert.equal((await app.getUser({ or: "throw" })).id, user.id);
});

test("a refresh token that nobody issued signs nobody in", async () => {
  const app = clientApp({ accessToken: null, refreshToken: "nobody-issued-this" });
  assert.equal(await app.getUser(), null);
});

test("a server reads the user from the headers of a request", async () => {
  for (const headers of [
    await user.getAuthHeaders(),
    { authorization: await user.getAuthorizationHeader() },
  ]) {
    const app = serverApp({ headers: new Headers(headers) });
    const caller = await app.getUser({ or: "throw" });
    assert.equal(caller.id, user.id);
    assert.equal(caller.primaryEmail, "grace@example.com");
    assert.equal(caller.serverMetadata, null);
  }
  report({ headers: await user.getAuthHeaders(), bearer: await user.getAuthorizationHeader() });
});

test("a request without a user is nobody's", async () => {
  assert.equal(await serverApp({ headers: new Headers() }).getUser(), null);
});

test("a server makes a session for a user", async () => {
  const known = await serverApp().getUser(user.id);
  const session = await known.createSession({ expiresInMillis: 60_000 });
  const app = clientApp(await session.getTokens());
  assert.equal((await app.getUser({ or: "throw" })).id, user.id);
  assert.equal((await known.getActiveSessions()).length, 2);
});

test("an impersonation is not listed", async () => {
  const known = await serverApp().getUser(user.id);
  const session = await known.createSession({ isImpersonation: true, expiresInMillis: 60_000 });
  const app = clientApp(await session.getTokens());
  assert.equal((await app.getUser({ or: "throw" })).id, user.id);
  assert.equal((await known.getActiveSessions()).length, 2);
});
