import { mkdir, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { LabkeeperError } from "../errors.ts";
import type { Workspace } from "../ports.ts";

const LAB_ID = /^[0-9a-f][0-9a-f-]{7,63}$/;

/** Work folders of labs under one root on this host, closed to other users. Rejects with LK6001. */
export function folderWorkspace(root: string): Workspace {
  const folderOf = (labId: string): string => {
    if (!LAB_ID.test(labId)) throw new LabkeeperError("LK6001", `${JSON.stringify(labId)} is not a lab's id`);
    return resolve(root, labId);
  };
  const tried = async <T>(folder: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw new LabkeeperError("LK6001", `the work folder ${folder}`, { cause });
    }
  };
  return {
    open: async (labId) => {
      const folder = folderOf(labId);
      await tried(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }));
      return folder;
    },
    remove: async (labId) => {
      const folder = folderOf(labId);
      await tried(folder, () => rm(folder, { recursive: true, force: true }));
    },
  };
}
