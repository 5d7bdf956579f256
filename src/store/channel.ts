/** Where those who queue work tell those who do it. */
export const WORK_CHANNEL = "labkeeper_work";
