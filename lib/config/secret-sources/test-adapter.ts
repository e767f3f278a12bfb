import { type Adapter, qualified } from "./adapter.ts";

/** No password manager: the value of a name is the name from back to front. For trying out files and configs. */
export const testAdapter: Adapter = {
  name: "test",
  title: "the test adapter",
  account: "required",
  read: async (_cli, request) => qualified(request).map((name) => ({ key: name, value: [...name].toReversed().join(""), name })),
};
