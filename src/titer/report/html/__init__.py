"""The report as one HTML file that needs nothing else: text, tables, and charts with the program that draws them."""
