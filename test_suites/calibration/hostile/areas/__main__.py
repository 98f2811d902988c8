"""Measure the hostile services of the areas, and print the outcome of each.

``python -m test_suites.calibration.hostile.areas [SERVICE or AREA ...]``; all without a name.
"""

from __future__ import annotations

import sys

from test_suites.calibration.hostile.areas.area_runner import all_area_suppliers, run_areas
from test_suites.calibration.hostile.areas.area_supplier import good_of
from test_suites.calibration.hostile.comparison import faults_of, faults_of_good


def main() -> int:
    """Run the command; gives 1 if any service was judged otherwise than it should be."""
    suppliers, wanted = all_area_suppliers(), set(sys.argv[1:])
    unknown = wanted - {name for one in suppliers.values() for name in (one.id, one.area)}
    if unknown:
        sys.stderr.write(f"no service or area {', '.join(sorted(unknown))}\n")
        return 2
    named = [one for one in suppliers.values() if not wanted or {one.id, one.area} & wanted]
    good = [good_of(area) for area in dict.fromkeys(one.area for one in named)]
    runs = run_areas([one.id for one in (*good, *named)])
    is_wrong = False
    for one in (*good, *named):
        run = runs[one.id]
        faults = (
            faults_of(one, run, runs[good_of(one.area).id]) if one.breaks else faults_of_good(run)
        )
        is_wrong = is_wrong or bool(faults)
        mark = "WRONG" if faults else "     "
        sys.stdout.write(f"{mark} {one.id:36} {run.conformity:18} {run.seconds:5.1f} s\n")
        sys.stdout.writelines(f"        {fault[:300]}\n" for fault in faults)
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
