import { sh } from "../../ground/command.ts";

/** Shell function `now`: milliseconds, or whole seconds as such where the host's `date` knows no more. */
export const nowFunction = sh`now() { t=$(date +%s%N); case $t in *N*) t=$(date +%s)000000000 ;; esac; echo "$t" | sed 's/......$//'; }`;
