const operators = ["&&", "||", ">>", "|", ";", "&", ">", "<", "(", ")"] as const;

/**
 * The words of a shell command, quotes taken off, operators as words of their own, variables left as they stand: two
 * commands that differ in quoting only have the same words. What stands in `$(…)` is read in the same way.
 */
export function words(command: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let at = 0;
  const end = (): void => {
    if (word !== undefined) found.push(word);
    word = undefined;
  };
  while (at < command.length) {
    const char = command[at] ?? "";
    const operator = operators.find((one) => command.startsWith(one, at));
    if (/\s/.test(char)) {
      end();
      at++;
    } else if (operator !== undefined && !(/[<>]/.test(operator) && /^\d$/.test(word ?? ""))) {
      end();
      found.push(operator);
      at += operator.length;
    } else {
      const [text, next] = piece(command, at);
      word = (word ?? "") + text;
      at = next;
    }
  }
  end();
  return found;
}

/** One quoted or unquoted piece of a word, and where it ends. */
function piece(command: string, at: number): [string, number] {
  const char = command[at] ?? "";
  if (char === "'") {
    const end = command.indexOf("'", at + 1);
    const close = end === -1 ? command.length : end;
    return [command.slice(at + 1, close), close + 1];
  }
  if (command.startsWith("$(", at)) {
    const close = closing(command, at + 2);
    return [`$(${words(command.slice(at + 2, close)).join(" ")})`, close + 1];
  }
  if (char === "\\") return [command[at + 1] ?? "", at + 2];
  if (char !== '"') return [char, at + 1];
  let text = "";
  for (at++; command[at] !== '"' && at < command.length; ) {
    if (command.startsWith("$(", at)) {
      const [inner, next] = piece(command, at);
      text += inner;
      at = next;
    } else if (command[at] === "\\" && /["\\$`]/.test(command[at + 1] ?? "")) {
      text += command[at + 1];
      at += 2;
    } else text += command[at++] ?? "";
  }
  return [text, at + 1];
}

/** Where the parenthesis that was opened before `at` is closed. */
function closing(command: string, at: number): number {
  while (at < command.length && command[at] !== ")") at = command[at] === "(" ? closing(command, at + 1) + 1 : /['"]|\$/.test(command[at] ?? "") ? piece(command, at)[1] : at + 1;
  return at;
}
