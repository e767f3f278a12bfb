import version2 from "./fields-2.json" with { type: "json" };
import version3 from "./fields-3.json" with { type: "json" };

/** Traefik's major versions that labels are known of. */
export type TraefikMajor = 2 | 3;

/** What a label may set. `texts` is a list, in a label with commas; `any` is what a plugin takes. */
export type Leaf = "text" | "texts" | "number" | "boolean" | "duration" | "any";

/** A block of fields: `*` stands for a name of the user's choice, `?` marks a block that `true` switches on as it is. */
export interface Block {
  readonly [field: string]: Field;
}

export type Field = Leaf | true | Block | readonly [Block];

/**
 * All that labels of the docker provider may say below `traefik.`, as Traefik's own configuration types have it.
 * Read by reflection from v2.11.53 and v3.7.9: see test/config/traefik-fields/main.go.
 */
export const fieldsOf = (major: TraefikMajor): Block => ({ 2: version2, 3: version3 })[major] as unknown as Block;

/** The major version in an image's tag; an image that does not tell counts as the newest. */
export function majorOf(image: string): TraefikMajor {
  const tag = /:v?(\d+)(?:[.-][\w.-]*)?(?:@.*)?$/.exec(image)?.[1];
  return tag === "2" ? 2 : 3;
}
