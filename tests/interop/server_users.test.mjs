// A server manages users: makes, finds, pages, changes, restricts, deletes them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clientApp, idsOf, rejects, report, serverApp, succeeded } from "./local_stack.mjs";

const server = serverApp();
const email = "alan@example.com";
let user;

async function signedIn(password) {
  const app = clientApp();
  succeeded(await app.signInWithCredential({ email, password, noRedirect: true }));
  return app;
}

test("make a user", async () => {
  user = await server.createUser({
    primaryEmail: email,
    primaryEmailAuthEnabled: true,
    primaryEmailVerified: true,
    password: "correct horse battery",
    displayName: "Alan",
    clientMetadata: { theme: "light" },
    clientReadOnlyMetadata: { plan: "gold" },
    serverMetadata: { score: 0.5 },
  });
  assert.equal(user.primaryEmail, email);
  assert.equal(user.primaryEmailVerified, true);
  assert.equal(user.displayName, "Alan");
  assert.equal(user.hasPassword, true);
  assert.deepEqual(user.serverMetadata, { score: 0.5 });
  report({ userId: user.id });
});

test("an address belongs to one user", async () => {
  await rejects(
    server.createUser({ primaryEmail: email, primaryEmailAuthEnabled: true }),
    "USER_EMAIL_ALREADY_EXISTS",
  );
});

test("find a user by id", async () => {
  const found = await server.getUser(user.id);
  assert.equal(found.displayName, "Alan");
  assert.deepEqual(found.clientReadOnlyMetadata, { plan: "gold" });
  assert.equal(found.restrictedByAdmin, false);
  assert.deepEqual(found.riskScores, { signUp: { bot: 0, freeTrialAbuse: 0 } });
  assert.equal(await server.getUser("00000000-0000-4000-8000-000000000000"), null);
});

test("the user signs in, and does not see what is the server's", async () => {
  const app = await signedIn("correct horse battery");
  const self = await app.getUser({ or: "throw" });
  assert.equal(self.id, user.id);
  assert.equal(self.primaryEmailVerified, true);
  assert.deepEqual(self.clientReadOnlyMetadata, { plan: "gold" });
  assert.equal("server_metadata" in self.toClientJson(), false);
});

test("page through all users, in order", async () => {
  const made = [user.id];
  for (const name of ["Betty", "Jean", "Kay", "Marlyn"]) {
    made.push((await server.createUser({ displayName: name })).id);
  }
  const found = [];
  let cursor;
  do {
    const page = await server.listUsers({ limit: 2, cursor, orderBy: "signedUpAt" });
    assert.ok(page.length <= 2);
    found.push(...page.map((one) => one.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  assert.deepEqual([...found].sort(), [...made].sort());
  assert.equal((await server.listUsers()).length, made.length);
});

test("search for users", async () => {
  const [betty, ...more] = await server.listUsers({ query: "bett" });
  assert.deepEqual(more, []);
  assert.equal(betty.displayName, "Betty");
  assert.deepEqual(idsOf(await server.listUsers({ query: "alan@" })), [user.id]);
});

test("change a user", async () => {
  await user.update({
    displayName: "Alan Turing",
    serverMetadata: { score: 1, notes: ["a"] },
    clientReadOnlyMetadata: { plan: "silver" },
    countryCode: "GB",
  });
  await user.setPassword({ password: "another horse battery" });
  const changed = await server.getUser(user.id);
  assert.equal(changed.displayName, "Alan Turing");
  assert.deepEqual(changed.serverMetadata, { score: 1, notes: ["a"] });
  assert.deepEqual(changed.clientReadOnlyMetadata, { plan: "silver" });
  assert.equal(changed.countryCode, "GB");
  const old = await clientApp().signInWithCredential({
    email, password: "correct horse battery", noRedirect: true,
  });
  assert.equal(old.error.errorCode, "EMAIL_PASSWORD_MISMATCH");
  await signedIn("another horse battery");
});

test("a second address, made the primary one", async () => {
  await user.createContactChannel({
    type: "email", value: "turing@example.com", isVerified: true, usedForAuth: false,
  });
  const channels = await user.listContactChannels();
  assert.deepEqual(channels.map((one) => one.value).sort(), [email, "turing@example.com"]);
  const [second] = channels.filter((one) => one.value === "turing@example.com");
  assert.equal(second.isVerified, true);
  await second.update({ isPrimary: true });
  assert.equal((await server.getUser(user.id)).primaryEmail, "turing@example.com");
  await second.delete();
  assert.equal((await user.listContactChannels()).length, 1);
});

test("a restricted user is none, unless asked for", async () => {
  const app = await signedIn("another horse battery");
  await user.update({ restrictedByAdmin: true, restrictedByAdminReason: "owes rent" });
  assert.equal(await app.getUser(), null);
  const restricted = await app.getUser({ includeRestricted: true });
  assert.equal(restricted.isRestricted, true);
  assert.deepEqual(restricted.restrictedReason, { type: "restricted_by_administrator" });
  assert.equal((await server.getUser(user.id)).restrictedByAdminReason, "owes rent");
  assert.ok(!idsOf(await server.listUsers()).includes(user.id));
  assert.ok(idsOf(await server.listUsers({ includeRestricted: true })).includes(user.id));
  await user.update({ restrictedByAdmin: false, restrictedByAdminReason: null });
  assert.equal((await app.getUser({ or: "throw" })).id, user.id);
});

test("an anonymous user is listed on request only", async () => {
  const visitor = await clientApp().getUser({ or: "anonymous" });
  assert.ok(!idsOf(await server.listUsers()).includes(visitor.id));
  assert.ok(idsOf(await server.listUsers({ includeAnonymous: true })).includes(visitor.id));
  assert.equal((await server.getUser(visitor.id)).isAnonymous, true);
});

test("delete a user", async () => {
  const app = await signedIn("another horse battery");
  await user.delete();
  assert.equal(await server.getUser(user.id), null);
  assert.equal(await app.getUser(), null);
});
