// A visitor without an account gets an anonymous user, and later a real one with the same id.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  claimsOf, clientApp, projectId, report, succeeded, url, withoutPages,
} from "./local_stack.mjs";

const app = clientApp();
let visitor;

test("a visitor becomes an anonymous user", async () => {
  visitor = await app.getUser({ or: "anonymous" });
  assert.equal(visitor.isAnonymous, true);
  assert.equal(visitor.isRestricted, true);
  assert.deepEqual(visitor.restrictedReason, { type: "anonymous" });
  assert.equal(visitor.primaryEmail, null);
  assert.equal(visitor.hasPassword, false);
  report({ userId: visitor.id });
});

test("the visitor stays the same", async () => {
  assert.equal((await app.getUser({ or: "anonymous" })).id, visitor.id);
});

test("who asks for a real user gets none", async () => {
  assert.equal(await app.getUser(), null);
  await assert.rejects(app.getUser({ or: "throw" }), /not signed in/);
});

test("the token says so", async () => {
  const claims = claimsOf(await visitor.getAccessToken());
  assert.equal(claims.is_anonymous, true);
  assert.equal(claims.aud, `${projectId}:anon`);
  assert.equal(claims.iss, `${url}/api/v1/projects-anonymous-users/${projectId}`);
});

test("an anonymous user can be changed", async () => {
  await visitor.update({ clientMetadata: { basket: ["tea"] } });
  visitor = await app.getUser({ or: "anonymous" });
  assert.deepEqual(visitor.clientMetadata, { basket: ["tea"] });
});

test("signing up keeps the id and the data", async () => {
  succeeded(
    await app.signUpWithCredential({
      ...withoutPages,
      email: "visitor@example.com",
      password: "correct horse battery",
    }),
  );
  const user = await app.getUser({ or: "throw" });
  assert.equal(user.id, visitor.id);
  assert.equal(user.isAnonymous, false);
  assert.equal(user.isRestricted, false);
  assert.equal(user.primaryEmail, "visitor@example.com");
  assert.deepEqual(user.clientMetadata, { basket: ["tea"] });
  assert.equal(claimsOf(await user.getAccessToken()).aud, projectId);
});

test("another visitor is somebody else", async () => {
  const other = await clientApp().getUser({ or: "anonymous" });
  assert.notEqual(other.id, visitor.id);
  await other.signOut();
  report({ otherId: other.id });
});
