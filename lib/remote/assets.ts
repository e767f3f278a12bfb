import { sh, type Command } from "../ground/command.ts";
import { pullFlags } from "./container-flags.ts";
import { appDirectory, assetContainer, assetVolume, extractedAssets } from "../ground/names.ts";
import type { AssetSettings, Role, Settings } from "../config/settings.ts";

/** What both sides of a deploy need to know. */
export interface AssetOrder {
  readonly settings: Settings;
  readonly role: string;
  readonly assets: AssetSettings;
  readonly version: string;
}

/** Copies the assets out of the image. */
export function extractAssets({ settings, role, assets, version }: AssetOrder): Command {
  const container = assetContainer(settings, role);
  const folder = extractedAssets(settings, role, version);
  return sh`mkdir -p ${folder} && docker container rm --volumes ${container} 2> /dev/null || true && docker container create --name ${container} ${[...pullFlags(settings), `${settings.repository}:${version}`]} && docker container cp -L ${`${container}:${assets.path}/.`} ${folder} && docker container rm --volumes ${container}`;
}

/**
 * Gives both versions the files of both: what the one has already stays as it is. Busybox's `cp -n`, and with it Kamal's
 * `cp -rnT`, copies nothing at all into a folder that is there, and calls it a success: what is missing then is copied file by file.
 * @param old the version that serves; undefined: there is none
 */
export function shareAssets({ settings, role, version }: AssetOrder, old: string | undefined): Command {
  const [extracted, volume] = [extractedAssets(settings, role, version), assetVolume(settings, role, version)];
  const own = sh`mkdir -p ${volume} && cp -r ${`${extracted}/.`} ${volume}`;
  if (old === undefined || old === version) return own;
  return sh`${own} && { (${addMissing(extracted, assetVolume(settings, role, old))}) || true; (${addMissing(extractedAssets(settings, role, old), volume)}) || true; }`;
}

/** What cannot be shared is no failure: the version before may have had no assets. */
const addMissing = (from: string, to: string): Command => sh`exec 2> /dev/null; cp -rnT ${from} ${to}; cd ${from} && find . ! -type d | while IFS= read -r file; do [ -e "$OLDPWD"/${to}/"$file" ] || { mkdir -p "$OLDPWD"/${to}/"$(dirname "$file")" && cp -P "$file" "$OLDPWD"/${to}/"$file"; }; done`;

/** `--volume` of the assets. */
export const assetFlags = (settings: Settings, { name, assets }: Role, version: string): readonly (string | Command)[] =>
  (assets === undefined ? [] : ["--volume", sh`"$PWD"/${`${assetVolume(settings, name, version)}:${assets.path}${assets.options === undefined ? "" : `:${assets.options}`}`}`]);

/** Removes the assets of all versions but one. */
export function removeOldAssets({ settings, role, version }: AssetOrder): Command {
  // A role may be called as another one with more behind it: web and web-admin.
  const others = settings.roles.filter(({ name }) => name !== role && name.startsWith(`${role}-`)).flatMap(({ name }) => ["!", "-name", `${name}-*`]);
  return sh`find ${["extracted", "volumes"].map((kind) => `${appDirectory(settings)}/assets/${kind}`)} -mindepth 1 -maxdepth 1 -name ${`${role}-*`} ! -name ${`${role}-${version}`} ${others} -exec rm -rf '{}' +`;
}
