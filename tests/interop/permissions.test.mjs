// Permissions: defined by an administrator, granted by a server, asked for by a client.

import assert from "node:assert/strict";
import { test } from "node:test";

import { adminApp, idsOf, rejects, report, serverApp, signedUp } from "./local_stack.mjs";

const { user } = await signedUp("clerk@example.com");
const team = await user.createTeam({ displayName: "Clerks" });
const server = serverApp();
const known = await server.getUser(user.id);

test("an administrator defines permissions", async () => {
  const admin = adminApp();
  await admin.createTeamPermissionDefinition({
    id: "invoice:read", description: "Reads invoices", containedPermissionIds: [],
  });
  await admin.createTeamPermissionDefinition({
    id: "invoice:write", containedPermissionIds: ["invoice:read"],
  });
  await admin.createProjectPermissionDefinition({
    id: "reports", description: "Reads reports", containedPermissionIds: [],
  });
  const ids = idsOf(await admin.listTeamPermissionDefinitions());
  assert.ok(ids.includes("invoice:read") && ids.includes("invoice:write"), ids);
  assert.deepEqual(idsOf(await admin.listProjectPermissionDefinitions()), ["reports"]);
  report({ userId: user.id, teamId: team.id });
});

test("who makes a team may manage it", async () => {
  assert.equal(await user.hasPermission(team, "team_admin"), true);
  assert.equal(await user.hasPermission(team, "$update_team"), true);
  assert.equal(await user.hasPermission(team, "invoice:write"), false);
});

test("a permission granted in a team brings those that it contains", async () => {
  await known.grantPermission(team, "invoice:write");
  assert.equal(await known.hasPermission(team, "invoice:read"), true);
  assert.equal(await user.hasPermission(team, "invoice:write"), true);
  assert.equal(await user.hasPermission(team, "invoice:read"), true);
  assert.deepEqual(await user.getPermission(team, "invoice:read"), { id: "invoice:read" });
  assert.deepEqual(
    idsOf(await user.listPermissions(team, { recursive: false })),
    ["invoice:write", "team_admin"],
  );
});

test("it holds in that team only", async () => {
  const other = await user.createTeam({ displayName: "Others" });
  assert.equal(await user.hasPermission(other, "invoice:read"), false);
  assert.equal(await user.hasPermission("invoice:read"), false);
});

test("a permission of the whole project", async () => {
  assert.equal(await user.hasPermission("reports"), false);
  await known.grantPermission("reports");
  assert.equal(await user.hasPermission("reports"), true);
  assert.deepEqual(await known.listPermissions(), [{ id: "reports" }]);
});

test("what is revoked is gone", async () => {
  await known.revokePermission(team, "invoice:write");
  await known.revokePermission("reports");
  assert.equal(await user.hasPermission(team, "invoice:read"), false);
  assert.equal(await user.hasPermission("reports"), false);
});

test("nobody loses what nobody granted", async () => {
  await rejects(known.revokePermission(team, "invoice:write"), "TEAM_PERMISSION_NOT_FOUND");
  await rejects(known.grantPermission(team, "never:defined"), "PERMISSION_NOT_FOUND");
});

test("who does not manage a team has less", async () => {
  const { user: visitor } = await signedUp("visitor@example.com");
  await (await server.getTeam(team.id)).addUser(visitor.id);
  assert.deepEqual(idsOf(await visitor.listPermissions(team)), [
    "$invite_members", "$read_members", "team_member",
  ]);
});
