import { expect, it } from "vitest";
import { isPublicAddress } from "../../agent/public-address.ts";

it.for(["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "223.255.255.255"])(
  "%s is public",
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

it.for(["2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "2001:4860:4860::8888"])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

it.for([
  ["0.0.0.0", "this host"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "shared by a carrier"],
  ["100.127.255.255", "shared by a carrier"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["169.254.169.254", "link-local, where clouds tell their machines' secrets"],
  ["192.0.0.8", "reserved"],
  ["192.0.2.1", "documentation"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["198.18.0.1", "benchmarks"],
  ["224.0.0.1", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "mapped IPv4"],
  ["::ffff:8.8.8.8", "mapped IPv4"],
  ["::127.0.0.1", "compatible IPv4"],
  ["64:ff9b::7f00:1", "translated IPv4"],
  ["2001::7f00:1", "Teredo"],
  ["2002:7f00:1::", "6to4"],
  ["2001:db8::1", "documentation"],
  ["3fff::1", "documentation"],
  ["fc00::1", "unique local"],
  ["fd12:3456::1", "unique local"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with a zone"],
  ["fec0::1", "site-local"],
  ["ff02::1", "multicast"],
  ["example.org", "no address"],
  ["", "no address"],
] as const)("%s is not: %s", ([address]) => {
  expect(isPublicAddress(address)).toBe(false);
});
