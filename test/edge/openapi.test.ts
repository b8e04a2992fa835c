/** The OpenAPI document tells of all that is mounted, and of nothing else; the page that shows it needs no other host. */
import { SELF } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { access } from "../../api/access.ts";
import { app } from "../../api/app.ts";
import { openApiDocument, routesOf } from "../../api/openapi/document.ts";
import { operationDocs } from "../../api/openapi/operations/index.ts";
import { addHost, Client, machine } from "./client.ts";

const mounted = routesOf(app.routes);
/** What no generated client calls as a route: the documentation, what hosts install, and the socket, which has a page of its own. */
const isInDocument = (key: string) => !/^GET \/(docs|install\.sh|release|ws)\b/.test(key);

describe("the document", () => {
  it.each(mounted.map(({ key }) => key).filter(isInDocument))("tells of %s", (key) => {
    expect(operationDocs[key]?.summary).toBeTruthy();
  });

  it("tells of no route that isn't mounted, and neither does the route table", () => {
    const keys = mounted.map(({ key }) => key).toSorted();
    expect(Object.keys(operationDocs).toSorted()).toEqual(keys);
    expect(Object.keys(access).filter(isInDocument).toSorted()).toEqual(keys);
  });

  it("names each operation once", () => {
    const ids = Object.values(operationDocs).map(({ id }) => id);
    expect(ids).toHaveLength(new Set(ids).size);
  });

  it("is served to everybody as it is", async () => {
    const response = await SELF.fetch("http://edge.test/api/v1/openapi.json");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json; charset=UTF-8");
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument(app.routes, "0.1.0"))));
  });

  it("has bodies as they are validated: required fields, bounds, and nothing unknown", () => {
    const { components } = openApiDocument(app.routes, "0.1.0") as any;
    expect(components.schemas.VmCreate).toMatchObject({
      required: ["name", "cpu", "memory", "disk"],
      properties: { cpu: { type: "integer", minimum: 1, maximum: 64 } },
      additionalProperties: false,
    });
  });

  it("has examples of bodies that the validation takes", () => {
    const examples = mounted.flatMap(({ key, validates }) => {
      const example = operationDocs[key]?.example;
      const body = validates.find((entry) => entry?.target === "json");
      return example ? [{ key, isTaken: body?.schema.safeParse(example).success }] : [];
    });
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.filter(({ isTaken }) => !isTaken)).toEqual([]);
  });
});

describe("the documentation page", () => {
  it("is a page with a policy that lets nothing in from elsewhere", async () => {
    const response = await SELF.fetch("http://edge.test/docs");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toContain("text/html");
    const policy = response.headers.get("Content-Security-Policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*/);
    const page = await response.text();
    const addresses = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address as string);
    expect(addresses.length).toBeGreaterThan(3);
    for (const address of addresses) {
      const asset = await SELF.fetch(`http://edge.test${address}`);
      expect([address, asset.status]).toEqual([address, 200]);
      await asset.body?.cancel();
    }
  });

  it("has nothing beside its own files", async () => {
    const response = await SELF.fetch("http://edge.test/docs/nothing.js");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ success: false, error: { code: "NOT_FOUND" } });
  });
});

describe("the metrics", () => {
  let admin: Client;
  beforeAll(async () => {
    await addHost();
    admin = await Client.as("admin", "none");
  });

  it("count hosts, machines and operations", async () => {
    expect((await admin.post("/vms", machine("counted", { cpu: 3 }))).status).toBe(201);
    const { status, headers, body: text } = await admin.get("/metrics");
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toContain('voidvm_hosts{status="online"} 1\n');
    expect(text).toContain('voidvm_vms{status="creating"} 1\n');
    expect(text).toContain('voidvm_operations{kind="vm.create",status="queued"} 1\n');
    expect(text).toMatch(/voidvm_host_allocated_vcpus\{.*\} 3\n/);
  });

  it("are for who may read them", async () => {
    const user = await Client.as("user");
    expect(await user.get("/metrics")).toMatchObject({ status: 403, body: { error: { code: "FORBIDDEN" } } });
    expect((await new Client(null).get("/metrics")).status).toBe(401);
  });
});
