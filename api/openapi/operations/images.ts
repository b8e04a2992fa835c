import * as z from "zod";
import { Image, Pagination } from "../../../protocol/rest.ts";
import type { OperationDocs } from "../operation.ts";

export const imageDocs = {
  "GET /images": {
    id: "listImages",
    tag: "Images",
    summary: "List images",
    answers: {
      200: { description: "A page of them.", data: z.object({ images: z.array(Image), pagination: Pagination }) },
    },
  },
  "POST /images": {
    id: "createImage",
    tag: "Images",
    summary: "Add an image",
    description: "A host fetches it once, and verifies it before any machine may use it.",
    answers: { 201: { description: "The image.", data: Image, headers: ["Location", "ETag"] } },
    errors: ["NAME_TAKEN", "URL_FORBIDDEN"],
    example: {
      name: "Our appliance 1.2",
      os: "appliance-1.2",
      url: "https://images.example.org/appliance-1.2.qcow2",
      sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      format: "qcow2",
    },
  },
  "DELETE /images/:id": {
    id: "deleteImage",
    tag: "Images",
    summary: "Delete an image of one's own",
    conditional: true,
    answers: { 204: { description: "It is gone." } },
    errors: ["IMAGE_NOT_FOUND", "IMAGE_IN_USE"],
  },
  "GET /images/:id": {
    id: "getImage",
    tag: "Images",
    summary: "Read an image",
    answers: { 200: { description: "The image.", data: Image, headers: ["ETag"] } },
    errors: ["IMAGE_NOT_FOUND"],
  },
} as const satisfies OperationDocs;
