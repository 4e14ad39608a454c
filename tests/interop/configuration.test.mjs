// A client that is told nothing finds the local Stack through the environment alone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clientApp, projectId, report, sdk, succeeded, withoutPages } from "./local_stack.mjs";

test("address, project and keys come from the environment", async () => {
  const app = new sdk.StackClientApp({ tokenStore: "memory", redirectMethod: "none" });
  assert.equal(app.projectId, projectId);
  succeeded(
    await app.signUpWithCredential({
      ...withoutPages,
      email: "env@example.com",
      password: "correct horse battery",
    }),
  );
  const user = await app.getUser({ or: "throw" });
  const server = new sdk.StackServerApp({ tokenStore: "memory", redirectMethod: "none" });
  assert.equal((await server.getUser(user.id)).primaryEmail, "env@example.com");
  report({ userId: user.id });
});

test("the project says what it allows", async () => {
  const project = await clientApp().getProject();
  assert.equal(project.id, projectId);
  assert.equal(project.displayName, "Local project");
  assert.equal(project.config.signUpEnabled, true);
  assert.equal(project.config.credentialEnabled, true);
  assert.equal(project.config.allowUserApiKeys, true);
  assert.deepEqual(project.config.oauthProviders, []);
});
