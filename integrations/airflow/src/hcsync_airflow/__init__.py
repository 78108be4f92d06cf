"""Airflow operators that run hcsync."""

# Airflow loads this while it initializes itself: nothing of Airflow can be imported here.


def get_provider_info() -> dict[str, object]:
    return {
        "package-name": "hcsync-airflow",
        "name": "hcsync",
        "description": "Runs hcsync, which syncs customer data into HelpCrunch.",
    }
