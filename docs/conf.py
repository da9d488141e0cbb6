"""How Sphinx builds the pages: `make docs`. What it needs is the extra `docs`; nothing is loaded from the network."""

import os
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the tutorials' kernels: more threads than free cores are slower

project = "samdyn"
author = "the samdyn authors"
release = metadata.version("samdyn")
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_codeautolink"]
extensions += ["docstrings", "generated", "links", "mathml", "members", "explorer", "finished"]
exclude_patterns = ["_build", "notebooks"]  # a test runs the notebooks
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!samdyn).*")]  # names of other libraries, whose inventories are on the network

autodoc_default_options = {"members": True, "inherited-members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90  # longer ones have a line for each parameter
napoleon_use_ivar = True
napoleon_use_rtype = False
codeautolink_concat_default = True  # the blocks of a page are one program
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "force"  # Sphinx reads, and so executes, only the pages that changed
nb_execution_raise_on_error = True
nb_merge_streams = True  # what a cell prints is one block
nb_execution_in_temp = True  # a tutorial leaves no files here
nb_execution_timeout = 120  # seconds a cell may take
nb_ipywidgets_js: dict[str, str] = {}  # widgets load scripts from the network

html_theme = "furo"
html_title = "samdyn"
html_static_path = ["_static"]
html_css_files = ["samdyn.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_show_copyright = False
html_copy_source = False
