/** What the guards weigh a plan against. Read together with the comparisons, in one snapshot. */
export interface GuardFacts {
  readonly liveLabs: number;
  readonly liveLabsByTeam: ReadonlyMap<string, number>;
  readonly monthlyCostByTeam: ReadonlyMap<string, number>;
  /** Destroys that commits caused inside the budget's window. */
  readonly recentDestroys: number;
  /** Lab files in the catalog at this commit, refused ones included. */
  readonly catalogFiles: number;
  /** The last trusted commit is not an ancestor of this one. */
  readonly historyRewritten: boolean;
  /** Ids of the holds that somebody approved. */
  readonly approvedHolds: ReadonlySet<string>;
  /**
   * Ids of labs whose destroy was in the plan of a pull request that was merged as planned. Null or absent: nobody
   * reviews here, so nothing has to be reviewed.
   */
  readonly reviewedDestroys?: ReadonlySet<string> | null;
}
