import { DeployError, isDeployError } from "../ground/errors.ts";
import type { Programs } from "../ground/world.ts";
import { placeAt, placeText } from "./place.ts";
import { shellProgram } from "./shell-command.ts";
import { parseErb, type Piece, refuseLarge } from "./yaml/erb.ts";
import { evaluateRuby, type Expression, parseRuby, type Surroundings } from "./yaml/ruby.ts";

/** A template of a file in ERB, such as `.env.erb`. */
export interface Template {
  /** Absolute. */
  readonly file: string;
  readonly text: string;
}

/** What templates are rendered with. */
export interface TemplateRendering {
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the project: absolute. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Called with what a command printed: it may be a secret. */
  readonly conceal?: (value: string) => void;
}

interface Condition {
  readonly value: Expression;
  /** The variable that keeps the value. */
  readonly keeps?: string | undefined;
  /** What it is compared with; undefined is nil. */
  readonly with: string | undefined;
  /** True when it is to be the same, false when it is to differ. */
  readonly equal: boolean;
}
type Statement =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly expression: Expression; readonly at: number }
  | { readonly kind: "assign"; readonly name: string; readonly value: Expression; readonly at: number }
  | { readonly kind: "if"; readonly condition: Condition; readonly at: number; readonly yes: Statement[]; readonly no: Statement[] }
  | { readonly kind: "raise"; readonly message: Expression; readonly at: number };

type Branch = Extract<Statement, { kind: "if" }>;

/** A command may ask for the password of a vault. */
const commandTimeoutMs = 5 * 60_000;

/** @throws DeployError (config) with every line of a template that cannot be evaluated; nothing of it runs */
export function checkTemplate(template: Template, cwd: string): void {
  new TemplateReader(template, cwd).read();
}

/**
 * Renders a template as Ruby does, without Ruby: what templates are written with are values of the environment, commands, variables,
 * `if` and `raise`. Commands may ask the user; they run one after another, in the order of the template.
 * @throws DeployError (config) with every line that cannot be evaluated, before anything ran; or for a command that fails, a variable that is not set and a `raise`
 */
export async function renderTemplate(template: Template, rendering: TemplateRendering): Promise<string> {
  const statements = new TemplateReader(template, rendering.cwd).read();
  const locals = new Map<string, string | undefined>();
  const around: Surroundings = {
    env: async (name) => rendering.env[name],
    local: (name) => locals.get(name),
    output: (command) => output(command, rendering),
    missing(name) {
      throw new DeployError("config", `${name} is not set in the environment`);
    },
  };
  const value = async (expression: Expression, at: number): Promise<string | undefined> => {
    try {
      return await evaluateRuby(expression, around);
    } catch (error) {
      if (!isDeployError(error) || error.failure !== "config") throw error;
      throw new DeployError("config", `Cannot render ${placeOf(template, at, rendering.cwd)}: ${error.message}`, { details: error.details, hint: error.hint ?? "Set it, or give it a default in the template" });
    }
  };
  const holds = async ({ value: tested, keeps, with: other, equal }: Condition, at: number): Promise<boolean> => {
    const result = await value(tested, at);
    if (keeps !== undefined) locals.set(keeps, result);
    return (result === other) === equal;
  };
  const render = async (all: readonly Statement[]): Promise<string> => {
    let text = "";
    for (const statement of all) {
      if (statement.kind === "text") text += statement.text;
      else if (statement.kind === "output") text += (await value(statement.expression, statement.at)) ?? "";
      else if (statement.kind === "assign") locals.set(statement.name, await value(statement.value, statement.at));
      else if (statement.kind === "if") text += await render((await holds(statement.condition, statement.at)) ? statement.yes : statement.no);
      else throw new DeployError("config", `Cannot render ${placeOf(template, statement.at, rendering.cwd)}: ${(await value(statement.message, statement.at)) ?? ""}`, { hint: "That is what the template says where it cannot go on" });
    }
    return text;
  };
  return render(statements);
}

const placeOf = ({ file, text }: Template, at: number, cwd: string): string => placeText(placeAt(file, text, at), cwd);

async function output(command: string, { programs, cwd, signal, conceal }: TemplateRendering): Promise<string> {
  const exit = await programs.run({ ...shellProgram("a template", command, "", cwd), terminal: "ask" }, { timeoutMs: commandTimeoutMs, signal });
  if (exit.status === 0) {
    conceal?.(exit.stdout.trim());
    return exit.stdout;
  }
  throw new DeployError("config", `its command ended with ${exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`}`, { hint: "Run the command in a shell to see what is wrong; perhaps you have to log in first" });
}

/** Reads a template into statements. */
class TemplateReader {
  readonly #template: Template;
  readonly #cwd: string;
  readonly #locals = new Set<string>();
  readonly #problems: string[] = [];
  readonly #root: Statement[] = [];
  readonly #open: { readonly statement: Branch; inElse: boolean }[] = [];

  constructor(template: Template, cwd: string) {
    this.#template = template;
    this.#cwd = cwd;
  }

  /** @throws DeployError (config) with every line that cannot be evaluated */
  read(): readonly Statement[] {
    refuseLarge(this.#template, this.#cwd);
    for (const piece of parseErb(this.#template.text)) this.#piece(piece);
    const unclosed = this.#open[0];
    if (unclosed !== undefined) this.#problem(unclosed.statement.at, "`if` has no `end`");
    const [first = ""] = this.#problems;
    if (this.#problems.length === 0) return this.#root;
    throw new DeployError("config", this.#problems.length === 1 ? `Cannot render ${first}` : `Cannot render ${this.#problems.length} places of a template`, {
      details: this.#problems.length === 1 ? [] : this.#problems,
      hint: `Ruby is evaluated as far as ENV["NAME"], ENV.fetch, texts, \`command\`, variables, if, else and raise go`,
    });
  }

  #piece(piece: Piece): void {
    if (piece.kind === "text") return void this.#here.push(piece);
    const code = piece.source.replace(/^<%[=-]?/, "").replace(/-?%>$/, "");
    if (piece.kind === "code") return this.#code(code, piece.at);
    const expression = parseRuby(code, this.#locals);
    if (expression === undefined) this.#cannot(code, piece.at);
    else this.#here.push({ kind: "output", expression, at: piece.at });
  }

  /** Where statements are added. */
  get #here(): Statement[] {
    const inner = this.#open.at(-1);
    return inner === undefined ? this.#root : inner.inElse ? inner.statement.no : inner.statement.yes;
  }

  #code(code: string, at: number): void {
    if (code.length > 5000) return this.#cannot(code, at);
    for (const line of code.split(/\n|;(?=(?:[^"'`]|"[^"]*"|'[^']*'|`[^`]*`)*$)/)) {
      let rest = line.trim();
      if (/^else\b/.test(rest)) {
        const inner = this.#open.at(-1);
        if (inner === undefined || inner.inElse) this.#problem(at, "`else` has no `if`");
        else inner.inElse = true;
        rest = rest.slice("else".length).trim();
      }
      const ends = /(?:^|\s)end$/.test(rest);
      rest = rest.replace(/(?:^|\s)end$/, "").trim();
      if (rest !== "" && !rest.startsWith("#")) this.#statement(rest, at);
      if (ends && this.#open.pop() === undefined) this.#problem(at, "`end` has no `if`");
    }
  }

  #statement(code: string, at: number): void {
    const [, branch, tested = ""] = /^(if|unless)\b\s*([\s\S]*?)(?:\s+then)?$/.exec(code) ?? [];
    if (branch !== undefined) return this.#branch(branch === "unless", tested, code, at);
    const message = /^raise\b\s*\(?\s*(?:[A-Z][\w:]*\s*(?:,|\.new\s*\())?\s*(["'][\s\S]*["'])\s*\)*$/.exec(code)?.[1];
    if (message !== undefined) {
      const expression = parseRuby(message, this.#locals);
      return expression === undefined ? this.#cannot(code, at) : void this.#here.push({ kind: "raise", message: expression, at });
    }
    const [, name, source = ""] = /^([a-z_]\w*)\s*=(?![=~])\s*([\s\S]+)$/.exec(code) ?? [];
    const value = name === undefined ? undefined : parseRuby(source, this.#locals);
    if (name === undefined || value === undefined) return this.#cannot(code, at);
    this.#locals.add(name);
    this.#here.push({ kind: "assign", name, value, at });
  }

  #branch(negative: boolean, tested: string, code: string, at: number): void {
    const condition = this.#condition(tested, negative);
    if (condition === undefined) this.#cannot(code, at);
    // Read on as if it could be evaluated, so that all problems are told at once.
    const branch: Branch = { kind: "if", condition: condition ?? { value: { kind: "text", text: "" }, with: undefined, equal: false }, at, yes: [], no: [] };
    this.#here.push(branch);
    this.#open.push({ statement: branch, inElse: false });
  }

  /** `x`, `x != ""`, `(x = value) != ""`. */
  #condition(code: string, negative: boolean): Condition | undefined {
    const [, inner = code, operator, other = ""] = /^([\s\S]+?)\s*(==|!=)\s*("[^"]*"|'[^']*'|nil)$/.exec(code) ?? [];
    const [, keeps, kept] = /^\(?\s*([a-z_]\w*)\s*=(?![=~])\s*([\s\S]+?)\s*\)?$/.exec(inner) ?? [];
    const value = parseRuby(kept ?? inner, this.#locals);
    if (value === undefined) return undefined;
    if (keeps !== undefined) this.#locals.add(keeps);
    return { value, keeps, equal: (operator === "==") !== negative, with: operator === undefined || other === "nil" ? undefined : other.slice(1, -1) };
  }

  #cannot(code: string, at: number): void {
    this.#problem(at, `"${code.trim().replaceAll(/\s+/g, " ")}" cannot be evaluated without Ruby`);
  }

  #problem(at: number, text: string): void {
    this.#problems.push(`${placeOf(this.#template, at, this.#cwd)}: ${text}`);
  }
}
