"""What results are written as: tables of text, Markdown, LaTeX, CSV, JSON, JUnit and pictures, and files kept whole."""
