"""What people see: terminal views and the self-contained HTML page. Pure: facts and plans in, text out."""
