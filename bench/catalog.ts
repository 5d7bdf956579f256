/** Catalogs as large as wanted: 50 teams, one small file a lab. The same number always gives the same text. */

export const TEAMS = 50;

const teamOf = (lab: number): string => `team-${String(lab % TEAMS).padStart(2, "0")}`;
export const labName = (lab: number): string => `${teamOf(lab)}-lab-${String(lab).padStart(5, "0")}`;
export const labPath = (lab: number): string => `labs/${teamOf(lab)}/${labName(lab)}.yaml`;

export const labFile = (lab: number, ttlHours = 24): string => `# asked for in the team's channel
apiVersion: labkeeper.dev/v1
kind: Lab
metadata:
  name: ${labName(lab)}
  team: ${teamOf(lab)}
  owner: octocat
  costCenter: sandbox
spec:
  profile: simulated
  version: "4.20.3"
  region: us-east-1
  baseDomain: labs.example.com
  ttlHours: ${ttlHours}
  workers: ${lab % 4}
  tags: { purpose: demo, number: "${lab}" }
`;

const catalogFile = `apiVersion: labkeeper.dev/v1
kind: Catalog
spec:
  teams:
${Array.from({ length: TEAMS }, (_, team) => `    - name: ${teamOf(team)}\n`).join("")}  guards:
    maxDestroys: 5
    maxDestroyPercent: 25
    windowHours: 24
`;

/** A whole catalog: path → text. */
export function catalogFiles(labs: number): Record<string, string> {
  const files: Record<string, string> = { "catalog.yaml": catalogFile };
  for (let lab = 0; lab < labs; lab++) files[labPath(lab)] = labFile(lab);
  return files;
}
