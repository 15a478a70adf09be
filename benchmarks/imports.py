"""Import time of the code location, beside that of Dagster alone."""

import subprocess
import sys
import time


def seconds(module: str, runs: int = 7) -> float:
    """The least wall time of a new interpreter that imports `module`."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)  # noqa: S603
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> None:
    alone, location = seconds("dagster"), seconds("exit_pipeline.definitions")
    print("import of the code location, a new interpreter each")
    print("  import dagster                       1.00")
    print(f"  import exit_pipeline.definitions     {location / alone:.2f}")


if __name__ == "__main__":
    main()
