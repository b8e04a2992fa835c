import * as z from "zod";
import { DrainedHost, Host, Pagination } from "../../../protocol/rest.ts";
import type { OperationDocs } from "../operation.ts";

const Enrolment = z.object({ token: z.string(), expiresAt: z.iso.datetime(), command: z.string() });

export const hostDocs = {
  "GET /hosts": {
    id: "listHosts",
    tag: "Hosts",
    summary: "List hosts",
    answers: {
      200: { description: "A page of them.", data: z.object({ hosts: z.array(Host), pagination: Pagination }) },
    },
  },
  "POST /hosts": {
    id: "createHost",
    tag: "Hosts",
    summary: "Add a host",
    description: "Answers a token, good once and for 15 minutes, and the one command to run on the host.",
    answers: {
      201: {
        description: "The host, and how it joins. The token is not shown again.",
        data: z.object({ host: Host, enrolment: Enrolment }),
        headers: ["Location"],
      },
    },
    errors: ["NAME_TAKEN"],
    example: { name: "rack-2-node-7", labels: { zone: "a" } },
  },
  "GET /hosts/:id": {
    id: "getHost",
    tag: "Hosts",
    summary: "Read a host",
    answers: { 200: { description: "The host.", data: Host, headers: ["ETag"] } },
    errors: ["HOST_NOT_FOUND"],
  },
  "PATCH /hosts/:id": {
    id: "updateHost",
    tag: "Hosts",
    summary: "Change a host",
    conditional: true,
    answers: { 200: { description: "The host as it is now.", data: Host, headers: ["ETag"] } },
    errors: ["HOST_NOT_FOUND", "NAME_TAKEN"],
    description:
      "`schedulable: true` undoes a drain. In `maintenance` no machine comes, and those that are there are only stopped and deleted.",
    example: { schedulable: true, overcommit: { cpu: 4 } },
  },
  "DELETE /hosts/:id": {
    id: "deleteHost",
    tag: "Hosts",
    summary: "Remove a host",
    description: "Its key is refused from then on. `force=true` forgets the machines that it still has.",
    conditional: true,
    answers: { 204: { description: "It is gone." } },
    errors: ["HOST_NOT_FOUND", "HOST_HAS_VMS"],
  },
  "POST /hosts/:id/drain": {
    id: "drainHost",
    tag: "Hosts",
    summary: "Give a host no new machines",
    description:
      "With `shutdown` its machines are stopped too, as many at once as its queue has room for: asked again, it goes on. Answers what is still there.",
    conditional: true,
    answers: { 200: { description: "The host and its machines.", data: DrainedHost } },
    errors: ["HOST_NOT_FOUND"],
    example: { shutdown: true, timeout: 120 },
  },
  "POST /hosts/:id/release": {
    id: "releaseHost",
    tag: "Hosts",
    summary: "End a host's quarantine",
    description:
      "Two agents connected with its key, so nothing is sent to it. Make sure that one alone is left, then release the host; or make a new token, with which one of them enrols again and shuts the other out.",
    answers: { 200: { description: "The host, which may connect again.", data: Host } },
    errors: ["HOST_NOT_FOUND", "HOST_NOT_QUARANTINED"],
  },
  "POST /hosts/:id/upgrade": {
    id: "upgradeHost",
    tag: "Hosts",
    summary: "Upgrade a host's agent",
    description:
      "The agent becomes the version that the edge has, once no operation is under way; machines don't notice. `agentUpdate` " +
      "of the host is null when it has, and has an `error` where it has refused the version or taken it back.",
    answers: { 202: { description: "The host, whose agent was told.", data: Host } },
    errors: ["HOST_NOT_FOUND", "HOST_NOT_UPDATABLE", "HOST_OFFLINE"],
  },
  "POST /hosts/:id/token": {
    id: "renewHostToken",
    tag: "Hosts",
    summary: "Make a new enrolment token",
    description:
      "The one before is worthless from then on. The host's key stays good until the token is spent; then whatever is connected with it is closed, and a quarantine ends.",
    answers: {
      201: { description: "How the host joins.", data: z.object({ enrolment: Enrolment }) },
    },
    errors: ["HOST_NOT_FOUND"],
  },
} as const satisfies OperationDocs;
