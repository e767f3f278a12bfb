import type { Tree } from "../command.ts";
import bash from "./bash.txt" with { type: "text" };
import { fishData } from "./fish.ts";
import fish from "./fish.txt" with { type: "text" };
import { placesOf, type Offer } from "./places.ts";
import { posixData } from "./posix.ts";
import walk from "./walk.txt" with { type: "text" };
import zsh from "./zsh.txt" with { type: "text" };

/** The shells there is a script for. */
export type Shell = "bash" | "zsh" | "fish";

/**
 * A script that completes capstan's command lines in a shell. It holds all commands: completing starts no program.
 * @param known words for the argument of a command that are not in its definition, by place: `docs`
 */
export function completionScript(shell: Shell, tree: Tree, known: Readonly<Record<string, readonly Offer[]>>): string {
  const places = placesOf(tree, known);
  switch (shell) {
    case "bash":
      return ["# Completes capstan in bash. In ~/.bashrc: source <(capstan completion bash)", posixData(places), walk + bash].join("\n");
    case "zsh":
      return ["#compdef capstan", "# Completes capstan in zsh. In ~/.zshrc, after compinit: source <(capstan completion zsh)", posixData(places), walk + zsh].join("\n");
    case "fish":
      return ["# Completes capstan in fish. In ~/.config/fish/config.fish: capstan completion fish | source", fishData(places), fish].join("\n");
  }
}
