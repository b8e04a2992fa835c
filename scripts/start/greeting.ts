/** What a start prints at its end: where it is, how to log in, and what to try. */
import type { Settings } from "./settings.ts";
import { isLoopback } from "../edge/addresses.ts";

export function greeting({ port, bind }: Settings, defaultPassword: boolean): string {
  const address = `http://localhost:${port}`;
  const elsewhere = bind === undefined || isLoopback(bind) ? "" : ` (and on ${bind}, without encryption)`;
  const [password, hint] = defaultPassword
    ? ["admin123", "admin / admin123, until you change it with PUT /api/v1/auth/password"]
    : ["<password>", "admin and the password that was chosen"];

  return `
VoidVM is ready at ${address}${elsewhere}
Log in as ${hint}. Ctrl-C ends VoidVM and leaves the machines running.

Try:
  TOKEN=$(curl -s ${address}/api/v1/auth/login -H 'Content-Type: application/json' \\
    -d '{"username":"admin","password":"${password}"}' | sed 's/^.*"token":"\\([^"]*\\)".*$/\\1/')
  curl -s ${address}/api/v1/vms -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"name":"test-vm","cpu":1,"memory":256,"disk":1,"os":"tiny"}'
  curl -s -X POST ${address}/api/v1/vms/test-vm/start -H "Authorization: Bearer $TOKEN" -H 'Prefer: wait=30'

All of the API: ${address}/docs     On the command line: npm run -s voidvm -- login ${address}
`;
}
