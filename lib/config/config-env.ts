/** What a config that is a function gets. */
export interface ConfigEnv {
  /** What stands after `-d`. */
  readonly destination: string | undefined;
  /** Such as `deploy`. */
  readonly command: string;
  /** What stands after `--version`. */
  readonly version: string | undefined;
  /** The environment the tool was started in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A variable of that environment; one that is not set there comes from `.env`, the file of the destination over the plain one. */
  readonly dotenv: (name: string) => Promise<string | undefined>;
}
