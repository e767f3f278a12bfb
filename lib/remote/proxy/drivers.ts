import type { Settings } from "../../config/settings.ts";
import type { ProxyDriver } from "./driver.ts";
import { kamalProxy } from "./kamal-proxy.ts";

/** The proxy that the config asks for. */
export const driverFor = (_settings: Settings): ProxyDriver => kamalProxy;
