/**
 * The images that every installation knows: the publishers' own cloud images, and `tiny`, which needs no download.
 *
 * Publishers rebuild their images under one address, so an entry names the publisher's list of checksums and not
 * a digest. A host reads the list over TLS and verifies the file before any machine may use it.
 */
import type { ImageReference } from "./operations.ts";

export interface CatalogueImage extends ImageReference {
  /** What `os` in `POST /vms` says to get this image. */
  readonly os: string;
  readonly name: string;
  /** The smallest disk that holds it, in GiB. */
  readonly minDisk: number;
  /** The account that cloud-init makes when the request names none. */
  readonly defaultUser: string;
}

interface Published {
  os: string;
  name: string;
  base: string;
  file: string;
  list: string;
  algorithm: "sha256" | "sha512";
  minDisk: number;
  defaultUser: string;
}

function published(image: Published): CatalogueImage {
  return {
    id: `img-${image.os}`,
    os: image.os,
    name: image.name,
    minDisk: image.minDisk,
    defaultUser: image.defaultUser,
    source: {
      from: "url",
      url: `${image.base}/${image.file}`,
      checksum: { algorithm: image.algorithm, listUrl: `${image.base}/${image.list}` },
      format: "qcow2",
    },
  };
}

function ubuntu(version: string, codename: string): CatalogueImage {
  return published({
    os: `ubuntu${version}`,
    name: `Ubuntu ${version} LTS`,
    base: `https://cloud-images.ubuntu.com/releases/${codename}/release`,
    file: `ubuntu-${version}-server-cloudimg-amd64.img`,
    list: "SHA256SUMS",
    algorithm: "sha256",
    minDisk: 4,
    defaultUser: "ubuntu",
  });
}

function debian(version: number, codename: string): CatalogueImage {
  return published({
    os: `debian${version}`,
    name: `Debian ${version}`,
    base: `https://cloud.debian.org/images/cloud/${codename}/latest`,
    file: `debian-${version}-genericcloud-amd64.qcow2`,
    list: "SHA512SUMS",
    algorithm: "sha512",
    minDisk: 3,
    defaultUser: "debian",
  });
}

export const catalogue: readonly CatalogueImage[] = [
  {
    id: "img-tiny",
    os: "tiny",
    name: "VoidVM tiny (busybox, dropbear, guest agent)",
    minDisk: 1,
    defaultUser: "root",
    source: { from: "tiny" },
  },
  ubuntu("20.04", "focal"),
  ubuntu("22.04", "jammy"),
  ubuntu("24.04", "noble"),
  debian(12, "bookworm"),
  debian(13, "trixie"),
  published({
    os: "fedora",
    name: "Fedora 43 Cloud",
    base: "https://download.fedoraproject.org/pub/fedora/linux/releases/43/Cloud/x86_64/images",
    file: "Fedora-Cloud-Base-Generic-43-1.6.x86_64.qcow2",
    list: "Fedora-Cloud-43-1.6-x86_64-CHECKSUM",
    algorithm: "sha256",
    minDisk: 6,
    defaultUser: "fedora",
  }),
  published({
    os: "rocky9",
    name: "Rocky Linux 9",
    base: "https://dl.rockylinux.org/pub/rocky/9/images/x86_64",
    file: "Rocky-9-GenericCloud.latest.x86_64.qcow2",
    list: "Rocky-9-GenericCloud.latest.x86_64.qcow2.CHECKSUM",
    algorithm: "sha256",
    minDisk: 10,
    defaultUser: "rocky",
  }),
  published({
    os: "alpine",
    name: "Alpine Linux 3.22",
    base: "https://dl-cdn.alpinelinux.org/alpine/v3.22/releases/cloud",
    file: "nocloud_alpine-3.22.1-x86_64-bios-cloudinit-r0.qcow2",
    list: "nocloud_alpine-3.22.1-x86_64-bios-cloudinit-r0.qcow2.sha512",
    algorithm: "sha512",
    minDisk: 1,
    defaultUser: "alpine",
  }),
];

/** What `POST /vms` takes when it names neither `os` nor `image`. */
export const defaultOs = "tiny";
