"""Pages of the web: `page` writes networks, `rows` tables of a difference or a sweep; the site uses their templates.

`code` makes JavaScript of closed forms, `data` plain values of a network. `static/` holds the scripts and the style as
they are read by people, `templates/` what Jinja2 fills in.
"""
