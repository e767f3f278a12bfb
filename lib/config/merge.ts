/** True for maps as a config holds them; not for lists, functions, and objects with an identity such as references to secrets. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && value["kind" as keyof typeof value] !== "secret";
}

/** Keys of the proxy that say the same in two ways: the one that goes over removes the other. */
const twins: Readonly<Record<string, string>> = { host: "hosts", hosts: "host", pathPrefix: "pathPrefixes", pathPrefixes: "pathPrefix" };

/**
 * `over` laid over `base`: maps merge key by key in the order of `base`, lists and single values replace, undefined changes nothing.
 * @param name the key both stand under
 */
export function overlay(base: unknown, over: unknown, name = ""): unknown {
  if (over === undefined) return base;
  if (!isMap(base) || !isMap(over)) return over;
  // A map, since a plain object takes the key __proto__ for something else.
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const twin = name === "proxy" && value !== undefined ? twins[key] : undefined;
    if (twin !== undefined && over[twin] === undefined) merged.delete(twin);
    merged.set(key, overlay(merged.get(key), value, key));
  }
  return Object.fromEntries(merged);
}
