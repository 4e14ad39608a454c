// Users make teams, servers change who is in them, members leave.

import assert from "node:assert/strict";
import { test } from "node:test";

import { idsOf, rejects, report, serverApp, signedUp } from "./local_stack.mjs";

const { app: ownerApp, user: owner } = await signedUp("owner@example.com");
const { app: memberApp, user: member } = await signedUp("member@example.com");
const server = serverApp();
let team;

test("a user makes a team", async () => {
  team = await owner.createTeam({ displayName: "Analytical Engine" });
  assert.equal(team.displayName, "Analytical Engine");
  assert.deepEqual(idsOf(await owner.listTeams()), [team.id]);
  const selected = (await ownerApp.getUser({ or: "throw" })).selectedTeam;
  assert.equal(selected.id, team.id);
  report({ teamId: team.id, ownerId: owner.id, memberId: member.id });
});

test("its owner changes it", async () => {
  await team.update({ displayName: "Difference Engine", clientMetadata: { cogs: 25_000 } });
  team = await owner.getTeam(team.id);
  assert.equal(team.displayName, "Difference Engine");
  assert.deepEqual(team.clientMetadata, { cogs: 25_000 });
});

test("others do not see it", async () => {
  assert.equal(await member.getTeam(team.id), null);
  assert.deepEqual(await member.listTeams(), []);
});

test("a server takes a user in", async () => {
  const known = await server.getTeam(team.id);
  assert.equal(known.displayName, "Difference Engine");
  await known.addUser(member.id);
  assert.deepEqual(idsOf(await known.listUsers()), idsOf([member, owner]));
  assert.deepEqual(idsOf(await member.listTeams()), [team.id]);
  assert.deepEqual(idsOf(await server.listUsers({ teamId: team.id })), idsOf([member, owner]));
});

test("nobody is taken in twice", async () => {
  const known = await server.getTeam(team.id);
  await rejects(known.addUser(member.id), "TEAM_MEMBERSHIP_ALREADY_EXISTS");
});

test("a member sees the others", async () => {
  const seen = await member.getTeam(team.id);
  assert.deepEqual(idsOf(await seen.listUsers()), idsOf([member, owner]));
});

test("a member may not change the team", async () => {
  const seen = await member.getTeam(team.id);
  await rejects(seen.update({ displayName: "Mine" }), "TEAM_PERMISSION_REQUIRED");
  await rejects(seen.delete(), "TEAM_PERMISSION_REQUIRED");
});

test("a member has a profile of its own in the team", async () => {
  const profile = await member.getTeamProfile(team);
  await profile.update({ displayName: "The Member" });
  assert.equal((await member.getTeamProfile(team)).displayName, "The Member");
  const users = await (await server.getTeam(team.id)).listUsers();
  const [shown] = users.filter((one) => one.id === member.id);
  assert.equal(shown.teamProfile.displayName, "The Member");
  assert.equal(shown.primaryEmail, "member@example.com");
});

test("a member selects the team, and leaves", async () => {
  await member.setSelectedTeam(team);
  assert.equal((await memberApp.getUser({ or: "throw" })).selectedTeam.id, team.id);
  await member.leaveTeam(team);
  assert.deepEqual(await member.listTeams(), []);
  assert.equal((await memberApp.getUser({ or: "throw" })).selectedTeam, null);
});

test("a server takes a user out", async () => {
  const known = await server.getTeam(team.id);
  await known.addUser(member.id);
  await known.removeUser(member.id);
  assert.deepEqual(idsOf(await known.listUsers()), [owner.id]);
});

test("a server makes a team of its own", async () => {
  const made = await server.createTeam({ displayName: "By a server", creatorUserId: owner.id });
  await made.update({ serverMetadata: { plan: "gold" } });
  const known = await server.getTeam(made.id);
  assert.deepEqual(known.serverMetadata, { plan: "gold" });
  const seen = await owner.getTeam(made.id);
  assert.equal(seen.serverMetadata, undefined);
  assert.deepEqual(idsOf(await server.listTeams()), idsOf([made, team]));
  report({ serverTeamId: made.id });
});

test("its owner deletes a team", async () => {
  await team.delete();
  assert.equal(await server.getTeam(team.id), null);
  assert.equal(await owner.getTeam(team.id), null);
});
