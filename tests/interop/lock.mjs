// `npm run lock`: pin what package.json asks for, without any address.

import { execSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("package-lock.json", import.meta.url);

execSync("npm install --package-lock-only --no-audit --no-fund", { stdio: "inherit" });
const lock = JSON.parse(readFileSync(file));
for (const pinned of Object.values(lock.packages)) delete pinned.funding;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
