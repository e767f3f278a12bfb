import { expect, test } from "bun:test";
import { readPublish, sharesPort } from "../../lib/config/publish.ts";

test.each([
  ["6379", "6379:80", true], ["6379", "6380", false], ["127.0.0.1:80", "10.0.0.1:80", false], ["127.0.0.1:80", "127.0.0.1:80:8080", true], ["127.0.0.1:80", "80", true], ["0.0.0.0:80:1", "10.0.0.1:80:2", true],
  ["[::]:80:1", "80", true], ["[::1]:80:1", "[::2]:80:1", false], ["53/udp", "53", false], ["53/udp", "53:5353/udp", true], ["8000-8010", "8010:80", true], ["8000-8010", "8011:80", false], ["8011:80", "8000-8010", false],
])("sharesPort(%p, %p) is %p", (a, b, shared) => {
  const [one, other] = [readPublish(a), readPublish(b)];
  if (one === undefined || other === undefined) throw new Error("it is no port");
  expect(sharesPort(one, other)).toBe(shared);
  expect(sharesPort(other, one)).toBe(shared);
});
