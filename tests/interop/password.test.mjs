// A user signs up with a password, changes the account, signs in elsewhere, signs out, leaves.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  claimsOf, clientApp, failed, idsOf, projectId, report, signedUp, succeeded, url, withoutPages,
} from "./local_stack.mjs";

const email = "ada@example.com";
const password = "correct horse battery";

const app = clientApp();
const elsewhere = clientApp();
let user;

test("nobody is signed in", async () => {
  assert.equal(await app.getUser(), null);
  await assert.rejects(app.getUser({ or: "throw" }), /not signed in/);
});

test("sign up", async () => {
  const before = Date.now();
  succeeded(await app.signUpWithCredential({ ...withoutPages, email, password }));
  user = await app.getUser({ or: "throw" });
  assert.equal(user.primaryEmail, email);
  assert.equal(user.primaryEmailVerified, false);
  assert.equal(user.hasPassword, true);
  assert.equal(user.isAnonymous, false);
  assert.equal(user.isRestricted, false);
  assert.equal(user.displayName, null);
  assert.equal(user.selectedTeam, null);
  assert.ok(user.signedUpAt >= before - 1000 && user.signedUpAt <= Date.now() + 1000);
  report({ userId: user.id });
});

test("the access token is the user's", async () => {
  const { accessToken, refreshToken } = await user.getAuthJson();
  const claims = claimsOf(accessToken);
  assert.equal(claims.sub, user.id);
  assert.equal(claims.email, email);
  assert.equal(claims.aud, projectId);
  assert.equal(claims.iss, `${url}/api/v1/projects/${projectId}`);
  const partial = await app.getPartialUser({ from: "token" });
  assert.equal(partial.id, user.id);
  assert.equal(partial.primaryEmail, email);
  report({ refreshToken });
});

test("an address signs up once", async () => {
  failed(
    await elsewhere.signUpWithCredential({ ...withoutPages, email, password }),
    "USER_EMAIL_ALREADY_EXISTS",
  );
});

test("a short password is no password", async () => {
  const attempt = { ...withoutPages, email: "short@example.com", password: "short" };
  const result = await elsewhere.signUpWithCredential(attempt);
  failed(result, "PASSWORD_TOO_SHORT");
  assert.deepEqual(result.error.details, { min_length: 8 });
});

test("a wrong password does not sign in", async () => {
  failed(
    await elsewhere.signInWithCredential({ email, password: "wrong horse", noRedirect: true }),
    "EMAIL_PASSWORD_MISMATCH",
  );
  assert.equal(await elsewhere.getUser(), null);
});

test("sign in elsewhere", async () => {
  succeeded(await elsewhere.signInWithCredential({ email, password, noRedirect: true }));
  const same = await elsewhere.getUser({ or: "throw" });
  assert.equal(same.id, user.id);
});

test("what is changed here shows there", async () => {
  await user.update({ displayName: "Ada", clientMetadata: { theme: "dark", tags: [1, null] } });
  const same = await elsewhere.getUser({ or: "throw" });
  assert.equal(same.displayName, "Ada");
  assert.deepEqual(same.clientMetadata, { theme: "dark", tags: [1, null] });
  await same.setDisplayName("Ada Lovelace");
  user = await app.getUser({ or: "throw" });
  assert.equal(user.displayName, "Ada Lovelace");
  assert.deepEqual(user.clientMetadata, { theme: "dark", tags: [1, null] });
});

test("the contact channels hold the address", async () => {
  const [channel, ...more] = await user.listContactChannels();
  assert.deepEqual(more, []);
  assert.equal(channel.value, email);
  assert.equal(channel.type, "email");
  assert.equal(channel.isPrimary, true);
  assert.equal(channel.usedForAuth, true);
  assert.equal(channel.isVerified, false);
});

test("a session is ended from another one", async () => {
  const sessions = await user.getActiveSessions();
  assert.equal(sessions.length, 2);
  const [other] = sessions.filter((session) => !session.isCurrentSession);
  const refreshToken = await elsewhere.getRefreshToken();
  await user.revokeSession(other.id);
  assert.deepEqual(
    idsOf(await user.getActiveSessions()),
    idsOf(sessions.filter((session) => session.id !== other.id)),
  );
  const late = clientApp({ accessToken: null, refreshToken });
  assert.equal(await late.getUser(), null);
});

test("sign out", async () => {
  const { refreshToken } = await user.getAuthJson();
  await user.signOut();
  assert.equal(await app.getUser(), null);
  const late = clientApp({ accessToken: null, refreshToken });
  assert.equal(await late.getUser(), null);
});

test("sign in again", async () => {
  succeeded(await app.signInWithCredential({ email, password, noRedirect: true }));
  assert.equal((await app.getUser({ or: "throw" })).displayName, "Ada Lovelace");
});

test("users can delete themselves", async () => {
  const { app, user: leaving } = await signedUp("leaving@example.com");
  await leaving.delete();
  assert.equal(await app.getUser(), null);
  failed(
    await app.signInWithCredential({
      email: "leaving@example.com",
      password: "correct horse battery",
      noRedirect: true,
    }),
    "EMAIL_PASSWORD_MISMATCH",
  );
  report({ leaverId: leaving.id });
});
