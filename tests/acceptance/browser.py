"""Signs in through the frontend's own pages, creates a model, and waits for the Celery task's result.

Runs on the host outside with Debian's Selenium. Arguments: the server's address, the dashboard's URL, and a JSON
document on the command line with ``email``, ``password``, ``model``. TLS is verified: no flag loosens it.
Prints JSON: ``result`` (the analysis as shown), ``rows`` (names of models) and ``screenshot`` (PNG, base64).
"""

import json
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

ADDRESS, URL, TASK = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def test_id(name: str) -> tuple[str, str]:
    """Return the locator of an element that the frontend names for tests."""
    return By.CSS_SELECTOR, f"[data-testid={name}]"


def open_browser() -> webdriver.Chrome:
    """Start Chromium with an empty profile; names lead to the server."""
    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--window-size=1280,960",
        f"--user-data-dir={tempfile.mkdtemp()}",
        f"--host-resolver-rules=MAP *.berth.localhost {ADDRESS}",
    ):
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def main() -> None:
    """Do what a user does."""
    browser = open_browser()
    wait = WebDriverWait(browser, 30)
    try:
        browser.get(URL)
        wait.until(expected_conditions.element_to_be_clickable(test_id("login-submit")))
        browser.find_element(*test_id("login-email")).send_keys(TASK["email"])
        browser.find_element(*test_id("login-password")).send_keys(TASK["password"])
        browser.find_element(*test_id("login-submit")).click()
        wait.until(expected_conditions.presence_of_element_located(test_id("model-name"))).send_keys(TASK["model"])
        browser.find_element(*test_id("model-create")).click()
        row = (By.CSS_SELECTOR, f"[data-testid=model-row][data-model-name={json.dumps(TASK['model'])}]")
        card = wait.until(expected_conditions.presence_of_element_located(row))
        card.find_element(*test_id("analyse")).click()
        result = wait.until(lambda _: card.find_element(*test_id("analysis-result"))).text
        rows = [element.get_attribute("data-model-name") for element in browser.find_elements(*test_id("model-row"))]
        print(json.dumps({"result": result, "rows": rows, "screenshot": browser.get_screenshot_as_base64()}))
    finally:
        browser.quit()


main()
