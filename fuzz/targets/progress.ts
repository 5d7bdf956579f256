import { laterStage, progressTracker } from "../../src/core/openshift/progress.ts";
import { must, type Target, textOf } from "../target.ts";

/** How far an install is: phases of our own words, percentages that only rise. */
export const progress: Target = {
  name: "progress",
  seeds: [
    'level=info msg="Consuming Install Config from target directory"\nlevel=info msg="Creating infrastructure resources..."\n',
    'level=info msg="API v1.31.7 up"\nlevel=info msg="Waiting up to 45m0s for bootstrapping to complete..."\n',
    'level=debug msg="Still waiting for the cluster to initialize: Working towards 4.20.3: 612 of 904 done (67% complete)"\n',
    "INFO Install complete!\nINFO It is now safe to remove the bootstrap resources\n",
  ],
  dictionary: [
    ...[
      "level=info ",
      'msg="',
      "Working towards ",
      ": 1 of 2 done (",
      "999% complete)",
      "-1% complete)",
      "API v",
      " up",
    ],
    ...["to initialize", "for bootstrapping to complete", "Install complete!", "\n", "INFO ", "level=error "],
  ],
  run(input) {
    const track = progressTracker();
    let percent = 0;
    for (const line of textOf(input).split("\n")) {
      const seen = track(line);
      if (seen === null) continue;
      must(Number.isInteger(seen.percent) && seen.percent <= 100, "a percentage is none");
      must(seen.percent >= percent, "progress went back");
      must(/^[A-Za-z -]{1,60}$/.test(seen.phase), "a phase is not in our own words");
      must(laterStage(seen.stage, "infrastructure") === seen.stage, "a stage is unknown");
      percent = seen.percent;
    }
  },
};
