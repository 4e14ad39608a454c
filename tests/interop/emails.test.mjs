// Codes that come by e-mail: addresses are verified and invitations accepted with them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { failed, idsOf, report, serverApp, signedUp, succeeded, url } from "./local_stack.mjs";

const callbackUrl = "http://localhost:3000/handler";
const { user: owner } = await signedUp("owner@example.com");
const { app: memberApp, user: member } = await signedUp("member@example.com");
const { app: otherApp } = await signedUp("other@example.com");
const server = serverApp();
let team;

/** What the last e-mail to an address says. */
async function codeFor(email) {
  const { items } = await (await fetch(`${url}/local-stack/emails`)).json();
  const last = items.filter((item) => item.to === email).at(-1);
  assert.equal(new URL(last.link).searchParams.get("code"), last.code);
  return last.code;
}

test("a user verifies an address", async () => {
  assert.equal(member.primaryEmailVerified, false);
  await member.sendVerificationEmail({ callbackUrl });
  const code = await codeFor("member@example.com");
  succeeded(await memberApp.verifyEmail(code));
  assert.equal((await memberApp.getUser({ or: "throw" })).primaryEmailVerified, true);
  failed(await memberApp.verifyEmail(code), "VERIFICATION_CODE_ALREADY_USED");
  failed(await memberApp.verifyEmail("0".repeat(45)), "VERIFICATION_CODE_NOT_FOUND");
});

test("a user verifies another address", async () => {
  const channel = await owner.createContactChannel({
    type: "email",
    value: "second@example.com",
    usedForAuth: false,
  });
  await channel.sendVerificationEmail({ callbackUrl });
  succeeded(await memberApp.verifyEmail(await codeFor("second@example.com")));
  const channels = await owner.listContactChannels();
  const verified = channels.filter((item) => item.isVerified).map((item) => item.value);
  assert.deepEqual(verified, ["second@example.com"]);
});

test("an owner invites and takes back", async () => {
  team = await owner.createTeam({ displayName: "Analytical Engine" });
  await team.inviteUser({ email: "nobody@example.com", callbackUrl });
  const [invitation] = await team.listInvitations();
  assert.equal(invitation.recipientEmail, "nobody@example.com");
  assert.ok(invitation.expiresAt > new Date());
  await invitation.revoke();
  assert.deepEqual(await team.listInvitations(), []);
});

test("who has the code joins, whatever address it went to, and nobody after that", async () => {
  await team.inviteUser({ email: "elsewhere@example.com", callbackUrl });
  const code = await codeFor("elsewhere@example.com");
  succeeded(await memberApp.verifyTeamInvitationCode(code));
  const details = await memberApp.getTeamInvitationDetails(code);
  succeeded(details);
  assert.equal(details.data.teamDisplayName, "Analytical Engine");
  succeeded(await memberApp.acceptTeamInvitation(code));
  assert.deepEqual(idsOf(await member.listTeams()), [team.id]);
  failed(await memberApp.acceptTeamInvitation(code), "VERIFICATION_CODE_ALREADY_USED");
  failed(await otherApp.acceptTeamInvitation(code), "VERIFICATION_CODE_ALREADY_USED");
});

test("who was invited by a server joins without the e-mail", async () => {
  const second = await server.createTeam({ displayName: "Difference Engine" });
  await second.inviteUser({ email: "member@example.com", callbackUrl });
  const [invitation] = await member.listTeamInvitations();
  assert.equal(invitation.teamDisplayName, "Difference Engine");
  await invitation.accept();
  assert.deepEqual(idsOf(await second.listUsers()), [member.id]);
  assert.deepEqual(await member.listTeamInvitations(), []);
  report({ memberId: member.id, teamIds: [team.id, second.id] });
});
