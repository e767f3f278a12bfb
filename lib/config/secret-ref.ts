/** Says where a secret stands by its name; the value is read when it is needed. Made by {@link secret}. */
export interface SecretRef {
  readonly kind: "secret";
  /** The name in the secrets files, in the `secrets` of the config, or in the environment. */
  readonly name: string;
}

/** One secret: `secret("NAME")`, or the name in a list of one, as in YAML. */
export type SecretInput = SecretRef | readonly [string];

/** What a secret may be called. */
export const secretName = /^[\w.]+$/;

/**
 * Refers to a secret by name: `password: secret("REGISTRY_PASSWORD")`. Nothing is read yet.
 * @throws TypeError for a name that no secrets file can hold
 */
export function secret(name: string): SecretRef {
  if (!secretName.test(name)) throw new TypeError(`Cannot refer to a secret by ${JSON.stringify(name)}: a name has only letters, digits, "_" and "."`);
  return Object.freeze({ kind: "secret", name });
}

/** The name a {@link SecretInput} refers to. */
export function nameOf(input: SecretInput): string {
  return "kind" in input ? input.name : input[0];
}
