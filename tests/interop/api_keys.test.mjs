// API keys: made by a user or for a team, checked by a server, revoked.

import assert from "node:assert/strict";
import { test } from "node:test";

import { idsOf, report, serverApp, signedUp } from "./local_stack.mjs";

const { user } = await signedUp("robot@example.com");
const team = await user.createTeam({ displayName: "Robots" });

// The client remembers what it was told about a key; a new app asks.
const ownerOf = async (apiKey) => await serverApp().getUser({ apiKey });
const teamOf = async (apiKey) => await serverApp().getTeam({ apiKey });

let key;

test("a user makes a key", async () => {
  const expiresAt = new Date(Date.now() + 3_600_000);
  key = await user.createApiKey({ description: "nightly job", expiresAt });
  assert.match(key.value, /^sk_/);
  assert.equal(key.type, "user");
  assert.equal(key.userId, user.id);
  assert.equal(key.description, "nightly job");
  assert.equal(key.expiresAt.getTime(), expiresAt.getTime());
  assert.equal(key.isValid(), true);
  report({ userId: user.id, teamId: team.id, keyId: key.id, key: key.value });
});

test("the key is listed without its text", async () => {
  const [listed, ...more] = await user.listApiKeys();
  assert.deepEqual(more, []);
  assert.equal(listed.id, key.id);
  assert.deepEqual(listed.value, { lastFour: key.value.slice(-4) });
});

test("a server finds the user by the key", async () => {
  const owner = await ownerOf(key.value);
  assert.equal(owner.id, user.id);
  assert.equal(owner.primaryEmail, "robot@example.com");
});

test("a key that nobody made opens nothing", async () => {
  assert.equal(await ownerOf(`${key.value.slice(0, 10)}0000${key.value.slice(14)}`), null);
});

test("a key is described anew", async () => {
  await key.update({ description: "hourly job" });
  const [listed] = await user.listApiKeys();
  assert.equal(listed.description, "hourly job");
});

test("a public key", async () => {
  const open = await user.createApiKey({ description: "open", expiresAt: null, isPublic: true });
  assert.match(open.value, /^pk_/);
  assert.equal(open.expiresAt ?? null, null);
  assert.equal((await ownerOf(open.value)).id, user.id);
});

test("a team's key", async () => {
  const shared = await team.createApiKey({ description: "shared", expiresAt: null });
  assert.equal(shared.type, "team");
  assert.equal(shared.teamId, team.id);
  assert.deepEqual(idsOf(await team.listApiKeys()), [shared.id]);
  assert.equal((await teamOf(shared.value)).id, team.id);
  await shared.revoke();
  assert.equal(await teamOf(shared.value), null);
});

test("a server makes a key for a user", async () => {
  const server = serverApp();
  const known = await server.getUser(user.id);
  const made = await known.createApiKey({ description: "made by a server", expiresAt: null });
  assert.equal((await ownerOf(made.value)).id, user.id);
  assert.ok(idsOf(await known.listApiKeys()).includes(made.id));
});

test("a key that has expired opens nothing", async () => {
  const past = new Date(Date.now() - 1000);
  const old = await user.createApiKey({ description: "old", expiresAt: past });
  assert.equal(old.whyInvalid(), "expired");
  assert.equal(await ownerOf(old.value), null);
});

test("a revoked key opens nothing", async () => {
  await key.revoke();
  assert.equal(await ownerOf(key.value), null);
  const listed = (await user.listApiKeys()).find((one) => one.id === key.id);
  assert.equal(listed.whyInvalid(), "manually-revoked");
});
